"""What goes into the log and what comes out of it, before and after it has a position.

Structs of `msgspec`: a frozen dataclass takes ten times as long to be made, and each command makes several.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from shared.kernel import EventId, event_id
from shared.runtime.json import dumps, loads

EVENT_COLUMNS = (
    ("aggregate", "uuid"),
    ("version", "integer"),
    ("name", "text"),
    ("topic", "text"),
    ("key", "uuid"),
    ("patient", "uuid"),
    ("organization", "text"),
    ("occurred_at", "timestamptz"),
    ("command", "uuid"),
    ("actor", "text"),
    ("role", "text"),
    ("purpose", "text"),
    ("origin", "text"),
    ("links", "text"),
    ("correlation", "uuid"),
    ("causation", "text"),
    ("trace", "text"),
    ("state", "bytea"),
)
"""what an append says of each event; `position` and `recorded_at` are the database's to say"""


class Birth(Struct, frozen=True, kw_only=True):
    """What an aggregate keeps from its first event for ever: its key, whose it is, and what it belongs to."""

    key: UUID
    patient: UUID | None
    custodian: str
    links: Mapping[str, str]


class Why(Struct, frozen=True, kw_only=True):
    """What one command says of all its events: the story's id is `correlation`, the event it answers `causation`."""

    command: UUID
    actor: str
    role: str
    organization: str
    purpose: str
    origin: str
    correlation: UUID
    causation: EventId | None
    trace: str | None


class NewEvent(Struct, frozen=True, kw_only=True):
    aggregate: UUID
    version: int
    name: str
    topic: str
    occurred_at: datetime
    birth: Birth
    state: bytes

    def columns(self, why: Why) -> tuple[Any, ...]:
        """The values of `EVENT_COLUMNS`, in its order."""
        return (
            self.aggregate, self.version, self.name, self.topic, self.birth.key, self.birth.patient, why.organization,
            self.occurred_at, why.command, why.actor, why.role, why.purpose, why.origin,
            dumps(self.birth.links).decode(),
            why.correlation, why.causation, why.trace, self.state,
        )  # fmt: skip


class Timer(Struct, frozen=True):
    """At `due`, the worker calls `command` for the aggregate. None: no longer."""

    aggregate: UUID
    command: str
    due: datetime | None


class Append(Struct, frozen=True, kw_only=True):
    """One command's append: all of it or nothing.

    - `needed`: the versions that aggregates must still be at, those it changes (unless it gives birth to them) among
      them.
    - `answer`: kept beside the command's id, for when it is said again. None: it has an id that nobody will say again.
    """

    why: Why
    events: Sequence[NewEvent]
    needed: Sequence[tuple[UUID, int]] = ()
    timers: Sequence[Timer] = ()
    fingerprint: bytes = b""
    outcome: str = "done"
    answer: bytes | None = None


class Stored(Struct, frozen=True, kw_only=True):
    """An event as it stands in the log."""

    position: int
    aggregate: UUID
    version: int
    name: str
    topic: str
    key: UUID
    patient: UUID | None
    organization: str
    recorded_at: datetime
    occurred_at: datetime
    command: UUID
    actor: str
    role: str
    purpose: str
    origin: str
    links: str
    correlation: UUID
    causation: str | None
    trace: str | None
    state: bytes

    @property
    def id(self) -> EventId:
        return event_id(self.aggregate, self.version)

    @property
    def birth(self) -> Birth:
        """What the aggregate keeps from its first event; asked of version 1, whose organisation is the custodian."""
        return Birth(key=self.key, patient=self.patient, custodian=self.organization, links=loads(self.links))
