"""Rebuilds a projection beside the live one: filled from the topics, compared at equal versions, switched by the
alias.

Readers never see a half-filled generation, and the live one goes on meanwhile. Broken off, it is begun again where its
consumer group stopped.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.contracts.catalogue import topic_of
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.kafka import inlets
from shared.runtime.bus.projector import Projector
from shared.runtime.documents.port import Documents as Store
from shared.runtime.generations import Comparison, Generations
from shared.runtime.projecting import applier
from shared.runtime.projection import Projection
from shared.runtime.reports import Reports
from shared.runtime.workers import background, group_of

_LOOK = 0.2
_COMPARISONS = 20

Progress = Callable[[int, int], None]
"""told how many messages have been read, of how many there were at the last look"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it. Where the generations differ, the live one stays, and the new one is kept for a look."""

    generation: int
    comparison: Comparison
    switched: bool


class Rebuild:
    """One rebuild of one projection of a service."""

    def __init__(
        self, projection: Projection[Any], *, service: str, store: Store, reports: Reports, bootstrap: str
    ) -> None:
        self._projection = projection
        self._service = service
        self._store = store
        self._reports = reports
        self._bootstrap = bootstrap

    async def run(self, *, progress: Progress = lambda read, there: None, even_if_different: bool = False) -> Rebuilt:
        """Fills, compares and switches. `even_if_different`: for a projection whose code has changed on purpose.

        What the live generation has seen and the new one has not holds the switch back, whatever is said.
        """
        generations = Generations(self._store)
        live = await generations.live(self._projection)
        consumer = await self._consumer(live + 1)
        async with background(consumer.run(), consumer.group):
            comparison = await self._compared(generations, consumer, live, progress)
            switched = not comparison.behind and (even_if_different or not comparison.different)
            if switched:
                await generations.switch(self._projection, live + 1)
        return Rebuilt(live + 1, comparison, switched)

    async def _consumer(self, generation: int) -> Consumer:
        applies = applier(self._projection, store=self._store, generation=generation)
        for collection in applies.collections:
            await self._store.prepare(collection)
        return Consumer(
            inlets(bootstrap=self._bootstrap),
            group=group_of(self._service, self._projection, generation),
            topics=[topic_of(service) for service in self._projection.hears],
            listener=Projector(self._projection, applier=applies, reports=self._reports),
            parking=self._reports.parking,
        )

    async def _compared(
        self, generations: Generations, consumer: Consumer, live: int, progress: Progress
    ) -> Comparison:
        """Both go on meanwhile: whoever is behind is given time to come level."""
        for left in reversed(range(_COMPARISONS)):
            await self._filled(consumer, progress)
            comparison = await generations.compare(self._projection, old=live, new=live + 1)
            if not (comparison.behind and left):
                return comparison
            await asyncio.sleep(_LOOK)
        raise AssertionError("at least one comparison")

    async def _filled(self, consumer: Consumer, progress: Progress) -> None:
        """Returns when all that was in the topics at some moment has been applied."""
        while not (place := await consumer.place()) or place[0] < place[1]:
            progress(*(place or (0, 0)))
            await asyncio.sleep(_LOOK)
        progress(*place)
