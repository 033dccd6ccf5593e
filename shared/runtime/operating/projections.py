"""Rebuilds, comparisons and the way back, of one projection of one service."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from shared.contracts.catalogue import topic_of
from shared.runtime.bus.parking import ParkedMessages
from shared.runtime.documents.port import Documents as Store
from shared.runtime.generations import Generations
from shared.runtime.log import Log
from shared.runtime.operating.groups import delete_group
from shared.runtime.operating.operated import Operated, asked, who
from shared.runtime.projecting import applier
from shared.runtime.projection import Projection
from shared.runtime.rebuild import Comparison, Progress, Rebuild, Record
from shared.runtime.rebuild.filling import Filling, Refill
from shared.runtime.rebuild.rebuilding import Way, compare
from shared.runtime.rebuild.record import Entry, entries
from shared.runtime.workers import group_of

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A projection's generations: the live one, and all that are on record."""

    projection: str
    live: int
    entries: Sequence[Entry]


async def shown(of: Operated) -> Sequence[Shown]:
    """Of each projection. Raises `Away`."""
    async with of.log() as database, of.stores() as stores:
        found = await asked("PostgreSQL", of.postgres_place, of.patience, lambda: entries(database))
        return [
            Shown(
                projection=one.name,
                live=await Generations(stores.of(one)).live(one),
                entries=[entry for entry in found if entry.projection == one.name],
            )
            for one in of.projections
        ]


@asynccontextmanager
async def rebuilds(
    of: Operated, projection: Projection[Any], *, tell: Tell = lambda now: None
) -> AsyncIterator[Rebuild]:
    """To be run once. Raises `Away`."""
    async with of.log() as database, of.stores() as stores:
        record = Record(database, who=who())
        await asked("PostgreSQL", of.postgres_place, of.patience, record.prepare)
        way = _Topics(of, projection, stores.of(projection), database)
        yield Rebuild(projection, store=stores.of(projection), record=record, way=way, tell=tell)


async def compared(
    of: Operated, projection: Projection[Any], *, old: int, new: int, tell: Callable[[int], None]
) -> Comparison:
    """Two generations as they are now: one that nobody fills falls behind."""
    async with of.stores() as stores:
        return await compare(projection, stores.of(projection), old=old, new=new, tell=tell)


class _Topics(Way):
    """A rebuild's way through Kafka and the service's database."""

    def __init__(self, of: Operated, projection: Projection[Any], store: Store, database: Any) -> None:
        self._of = of
        self._projection = projection
        self._store = store
        self._database = database

    def filling(self, generation: int) -> Filling:
        applies = applier(self._projection, store=self._store, generation=generation)
        return Filling(
            bootstrap=self._of.kafka,
            group=self._group(generation),
            topics=[topic_of(service) for service in self._projection.hears],
            listener=Refill(self._projection, applier=applies),
            parking=ParkedMessages(log=cast(Log, _Pooled(self._database))),
        )

    async def sweep(self, generation: int) -> None:
        group = self._group(generation)
        await asked(
            "Kafka", self._of.kafka, self._of.patience, lambda: delete_group(bootstrap=self._of.kafka, name=group)
        )
        if await self._database.fetchval("SELECT to_regclass('parked')"):
            await self._database.execute("DELETE FROM parked WHERE consumer = $1", group)

    def _group(self, generation: int) -> str:
        return group_of(self._of.service.name, self._projection, generation)


@dataclass(frozen=True, slots=True)
class _Pooled:
    """What parking needs of a log."""

    pool: Any
