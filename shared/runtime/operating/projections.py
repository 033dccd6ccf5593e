"""Rebuilds, comparisons and the way back, of one projection of one service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from shared.contracts.catalogue import topic_of
from shared.runtime.bus.feeds import Feeds
from shared.runtime.bus.parking import ParkedMessages
from shared.runtime.documents.port import Documents as Store
from shared.runtime.feed import Feed
from shared.runtime.generations import Generations
from shared.runtime.log import Log
from shared.runtime.operating.groups import delete_group
from shared.runtime.operating.mending import Mending
from shared.runtime.operating.operated import TRANSIENT, Away, Operated, Unknown, asked, who
from shared.runtime.projecting import applier
from shared.runtime.projection import Projection
from shared.runtime.rebuild import Comparison, Progress, Rebuild, Rebuilt, Record
from shared.runtime.rebuild.filling import Filling, Refill
from shared.runtime.rebuild.rebuilding import Judge, Way, compare
from shared.runtime.rebuild.record import LEASE, Entry, entries
from shared.runtime.workers import group_of

_PAUSE = 2.0

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
    """What rebuilds it and goes back. Raises `Away`."""
    async with of.started_log() as log, of.stores() as stores, _closing(of.feeds(log)) as feeds:
        record = Record(log.pool, who=who())
        await asked("PostgreSQL", of.postgres_place, of.patience, record.prepare)
        way = _Topics(of, projection, stores.of(projection), log, feeds)
        yield Rebuild(projection, store=stores.of(projection), record=record, way=way, tell=tell)


async def rebuilt(
    of: Operated, projection: Projection[Any], *, tell: Tell, even_if_different: Judge, afresh: bool = False
) -> Rebuilt:
    """A whole rebuild. An engine that goes away once it has begun is waited for; one that is away before that is not:
    raises `Away`. Raises `Taken` where somebody else is at it, `Deposed` where somebody else has taken it over.
    """
    begun = False

    def heard(now: Progress) -> None:
        nonlocal begun
        begun = True
        tell(now)

    while True:
        try:
            async with rebuilds(of, projection, tell=heard) as one:
                return await one.run(even_if_different=even_if_different, afresh=afresh, wait_for=LEASE + 2)
        except (*TRANSIENT, Away) as gone:
            if not begun:
                raise (
                    gone if isinstance(gone, Away) else Away(f"An engine does not answer ({type(gone).__name__}).")
                ) from None
            afresh = False
            tell(Progress(generation=0, state="filling", waits_for=f"an engine ({type(gone).__name__})"))
            await asyncio.sleep(_PAUSE)


async def pair(of: Operated, projection: Projection[Any], *, old: int | None, new: int | None) -> tuple[int, int]:
    """The generations to compare: the live one and the newest other, where none is named. Raises `Unknown`, `Away`."""
    found = next(one for one in await shown(of) if one.projection == projection.name)
    there = {found.live, *(entry.generation for entry in found.entries if not entry.dropped_at)}
    left = old or found.live
    others = sorted(there - {left})
    if not others or not {left, new or others[-1]} <= there:
        raise Unknown(f"{projection.name} has the generations {', '.join(map(str, sorted(there)))}.")
    return left, new or others[-1]


async def compared(
    of: Operated, projection: Projection[Any], *, old: int, new: int, tell: Callable[[int], None]
) -> Comparison:
    """Two generations as they are now: one that nobody fills falls behind."""
    async with of.stores() as stores:
        return await compare(projection, stores.of(projection), old=old, new=new, tell=tell)


class _Topics(Way):
    """A rebuild's way through Kafka and the service's database."""

    def __init__(
        self, of: Operated, projection: Projection[Any], store: Store, log: Log, feeds: Mapping[str, Feed]
    ) -> None:
        self._of = of
        self._projection = projection
        self._store = store
        self._log = log
        self._feeds = feeds

    def filling(self, generation: int) -> Filling:
        applies = applier(self._projection, store=self._store, generation=generation)
        return Filling(
            bootstrap=self._of.kafka,
            group=self._group(generation),
            topics=[topic_of(service) for service in self._projection.hears],
            listener=Refill(self._projection, applier=applies),
            parking=ParkedMessages(log=self._log),
            mend=Mending(self._projection, applier=applies, feeds=self._feeds).mend,
        )

    async def sweep(self, generation: int) -> None:
        group = self._group(generation)
        await asked(
            "Kafka", self._of.kafka, self._of.patience, lambda: delete_group(bootstrap=self._of.kafka, name=group)
        )
        label = self._projection.name if generation == 1 else f"{self._projection.name}~{generation}"
        await self._log.pool.execute("DELETE FROM parked WHERE consumer = $1", group)
        await self._log.pool.execute("DELETE FROM holes WHERE projection = $1", label)
        await self._log.pool.execute("DELETE FROM compared WHERE consumer = ANY($1::text[])", [group, label])

    def _group(self, generation: int) -> str:
        return group_of(self._of.service.name, self._projection, generation)


@asynccontextmanager
async def _closing(feeds: Feeds) -> AsyncIterator[Feeds]:
    try:
        yield feeds
    finally:
        await feeds.close()
