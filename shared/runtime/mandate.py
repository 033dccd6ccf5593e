"""What a command comes with: who asks, when, why, under which id. Nothing below asks a clock or a token."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from os import urandom
from time import time_ns
from typing import Any, Self
from uuid import UUID

from shared.kernel import Actor, AggregateId, EventId, Origin, new_id
from shared.runtime.json import dumps, loads


def fresh_id() -> UUID:
    """A new time-ordered id."""
    return new_id(milliseconds=time_ns() // 1_000_000, random=urandom(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """One caller's wish, or one reaction's. `command` is its id: said twice, it takes effect once.

    - `action`: what the policy judges (`referral.accept`).
    - `at`: when it is said, by the edge's clock (aware, UTC).
    - `cause`: the event it answers, or that the caller names; None: the log finds it (design: why, in ids).
    - `correlation`: the story that the cause belongs to, where whoever names it knows; None: the log finds it.
    - `expected`: the version that `If-Match` demands of the target.
    - `fingerprint`: of the request's content; the same id with another one is refused. Empty: not compared.
    - `keyed`: the id may have been used before (Idempotency-Key, reaction, timer), so the log is asked first.
    """

    actor: Actor
    action: str
    command: UUID = field(default_factory=fresh_id)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    origin: Origin = "live"
    cause: EventId | None = None
    correlation: UUID | None = None
    expected: int | None = None
    fingerprint: bytes = b""
    keyed: bool = False

    def to_do(self, action: str) -> Self:
        """The same wish, to be judged as another action."""
        return replace(self, action=action)


@dataclass(frozen=True, slots=True)
class Changed:
    """An aggregate that a command changed, and its version afterwards."""

    type: str
    id: AggregateId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a command: what it changed, and what it says to its caller (plain JSON).

    Kept beside the command's id in the same transaction, so that the same command again gives the same answer.
    """

    changed: tuple[Changed, ...] = ()
    answer: Any = None
    repeated: bool = False

    def pack(self) -> bytes:
        return dumps({"changed": [[c.type, str(c.id), c.version] for c in self.changed], "answer": self.answer})

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        kept = loads(raw)
        changed = tuple(Changed(type, UUID(id), version) for type, id, version in kept["changed"])
        return cls(changed=changed, answer=kept["answer"], repeated=True)
