"""The log's promises without its database: several processes may share one, and each append is all or nothing."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.runtime.log import Log
from shared.runtime.log.committer import Appended, Conflict, Duplicate
from shared.runtime.log.rows import Append, NewEvent, Stored
from shared.runtime.nearness import Nearness

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


class Shelf:
    """What is stored. Reading and writing let others go first, as a database would."""

    def __init__(self) -> None:
        self.events: list[Stored] = []
        self.commands: dict[UUID, Duplicate] = {}

    async def append(self, append: Append) -> Appended | Duplicate:
        await asyncio.sleep(0)
        if kept := self.commands.get(append.why.command):
            return kept
        heads = {stored.aggregate: stored.version for stored in self.events}
        if any(heads.get(id) != version for id, version in append.needed):
            raise Conflict
        if any(heads.get(event.aggregate, 0) >= event.version for event in append.events):
            raise Conflict
        self.commands[append.why.command] = Duplicate(append.fingerprint, append.outcome, append.answer)
        first = len(self.events)
        self.events += [_stored(event, append, first + n) for n, event in enumerate(append.events, start=1)]
        return Appended(first, RECORDED)

    async def read(self, aggregate: UUID) -> list[Stored]:
        await asyncio.sleep(0)
        return [stored for stored in self.events if stored.aggregate == aggregate]


class MemoryLog(Log):
    """The log of one process, over a shelf that it may share with others."""

    def __init__(self, *, shelf: Shelf, nearness: Nearness) -> None:
        super().__init__(dsn="", nearness=nearness)
        self.shelf = shelf
        self.committer = shelf  # type: ignore[assignment]

    async def stream(self, aggregate: UUID, *, up_to: int | None = None) -> Sequence[Stored]:
        return [stored for stored in await self.shelf.read(aggregate) if up_to is None or stored.version <= up_to]

    async def streams(self, aggregates: Iterable[UUID]) -> dict[UUID, list[Stored]]:
        return {id: found for id in aggregates if (found := await self.shelf.read(id))}

    async def newest(self, aggregates: Iterable[UUID]) -> dict[UUID, Stored]:
        return {id: found[-1] for id, found in (await self.streams(aggregates)).items()}

    async def _kept(self, mandate: Any) -> Any:
        kept = self.shelf.commands.get(mandate.command)
        return self._repeat(mandate, kept) if kept else None


def _stored(event: NewEvent, append: Append, position: int) -> Stored:
    names = (
        "aggregate", "version", "name", "topic", "key", "patient", "organization", "occurred_at", "command", "actor",
        "role", "purpose", "origin", "links", "correlation", "causation", "trace", "state",
    )  # fmt: skip
    return Stored(position=position, recorded_at=RECORDED, **dict(zip(names, event.columns(append.why), strict=True)))
