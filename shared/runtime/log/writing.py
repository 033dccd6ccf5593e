"""The committer's hand: one connection, through which batches of commands are written, and what came of each."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.runtime.log.appending import AT_ONCE, EXACTLY
from shared.runtime.log.rows import Append

Connect = Callable[[], Awaitable[asyncpg.Connection]]


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the events are now. `first` is the position before the first of them."""

    first: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The command was here before: what was kept of it."""

    fingerprint: bytes
    outcome: str
    answer: bytes | None


class Conflict(Exception):
    """Another command came first: load and ask again."""


Verdict = Appended | Duplicate | Conflict


class Writing:
    """Raises one of `AWAY` where the database is away, `UniqueViolationError` where `at_once` has to be exact."""

    def __init__(self, *, connect: Connect) -> None:
        self._connect = connect
        self.connection: Any = None

    async def open(self) -> None:
        self.connection = await self._connect()

    async def close(self) -> None:
        if self.connection:
            await self.connection.close()

    def drop(self) -> None:
        """The connection is of no use any more. Whether the last batch was written, the next one will tell."""
        if self.connection:
            self.connection.terminate()
        self.connection = None

    async def at_once(self, batch: Sequence[Append]) -> list[Verdict]:
        """Stores all of it, or nothing."""
        row = await self._fetch(AT_ONCE, batch)
        return _numbered(batch, row["first"], row["at"], {})

    async def exactly(self, batch: Sequence[Append]) -> list[Verdict]:
        """What came of each command: what one is refused for does not touch the others."""
        row = await self._fetch(EXACTLY, batch)
        others: dict[UUID, Verdict] = {command: Conflict() for command in row["lost"]}
        others |= {k["command"]: Duplicate(k["fingerprint"] or b"", k["outcome"], k["answer"]) for k in row["known"]}
        return _numbered(batch, row["first"], row["at"], others)

    async def _fetch(self, sql: str, batch: Sequence[Append]) -> Any:
        if self.connection is None or self.connection.is_closed():
            await self.open()
        return await self.connection.fetchrow(sql, *rows_of(batch))


def _numbered(batch: Sequence[Append], first: int, at: datetime, others: dict[UUID, Verdict]) -> list[Verdict]:
    """What is stored has the positions from `first` on, in the order of the batch."""
    verdicts: list[Verdict] = []
    for append in batch:
        if other := others.get(append.why.command) if others else None:
            verdicts.append(other)
        else:
            verdicts.append(Appended(first, at))
            first += len(append.events)
    return verdicts


def rows_of(batch: Sequence[Append]) -> tuple[list[Any], ...]:
    """The arguments of the append functions: events, commands to keep, needs, timers."""
    return (
        [event.columns(append.why) for append in batch for event in append.events],
        [(a.why.command, a.fingerprint, a.outcome, a.answer) for a in batch if a.answer is not None],
        [(a.why.command, aggregate, version) for a in batch for aggregate, version in a.needed],
        [(a.why.command, t.aggregate, t.command, t.due) for a in batch for t in a.timers],
    )
