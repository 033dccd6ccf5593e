"""What a worker runs: a consumer for each projection, reaction and its relations; timers; the upkeep."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from shared.contracts.catalogue import topic_of
from shared.kernel import Unavailable
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.deadletters import DeadLetters
from shared.runtime.bus.duty import Duty
from shared.runtime.bus.heads import Heads
from shared.runtime.bus.healing import Healing
from shared.runtime.bus.kept import Kept
from shared.runtime.bus.listening import Listener
from shared.runtime.bus.missed import Missed
from shared.runtime.bus.projector import Projector
from shared.runtime.bus.reactor import Reactor
from shared.runtime.bus.upkeep import Upkeep
from shared.runtime.bus.wire import Inlets
from shared.runtime.documents.port import Documents as Store
from shared.runtime.feed import Feed
from shared.runtime.generations import Generations
from shared.runtime.log import Log
from shared.runtime.projecting import applier
from shared.runtime.projection import Projection
from shared.runtime.relations import Relations
from shared.runtime.reports import Reports
from shared.runtime.service import Reaction, Service
from shared.runtime.timers import Timers

_STUCK_AFTER = 120.0
_LOOK = 2.0
_CLEAN_UP = 10.0
"""seconds for what a cancelled task has to put in order"""
_LOG = logging.getLogger(__name__)


class Workers:
    """All consumers of one service in one process. `run` goes on until cancelled."""

    def __init__(
        self,
        *,
        service: Service,
        projections: Iterable[Projection[Any]],
        log: Log,
        store: Store,
        relations: Store,
        inlets: Inlets,
        parts: Mapping[type, Any],
        feeds: Mapping[str, Feed],
        letters: DeadLetters | None,
    ) -> None:
        """`letters`: how dead letters are told; None: there is no upkeep here."""
        self._service = service
        self._log = log
        self._inlets = inlets
        self._feeds = feeds
        self._letters = letters
        self._commands = next((part for kind, part in parts.items() if kind.__name__ == "Commands"), None)
        self._projections: list[tuple[Projection[Any], Store]] = [(one, store) for one in projections]
        self._projections.append((Relations(), relations))
        self.reports = Reports(log=log)
        self.consumers: dict[str, Consumer] = {}
        self._kept: dict[str, Kept] = {}
        self._missed: list[tuple[Missed, str]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        timers = Timers(
            log=self._log, service=self._service.name, actions=self._service.timers, commands=self._commands
        )
        try:
            self._start("timers", timers.run())
            for noun, reactions in _by_aggregate(self._service.reactions).items():
                reactor = Reactor(reactions, service=self._service.name, log=self._log, commands=self._commands)
                self._react(f"carelog.{self._service.name}.on-{noun}", reactions[0], reactor)
            if self._letters:
                self._start("upkeep", self._upkeep(self._letters).run())
            while True:
                await self._follow_generations()
                await asyncio.sleep(_LOOK)
        finally:
            await end(*self._tasks.values())

    async def _follow_generations(self) -> None:
        """Each projection's live generation has its consumer; after a switch the old one's ends."""
        for projection, store in self._projections:
            try:
                generation = await Generations(store).live(projection)
                await self._project(projection, store, generation)
            except Unavailable as away:
                _LOG.warning("a projection cannot start yet", extra={"projection": projection.name, "error": away.code})

    async def _project(self, projection: Projection[Any], store: Store, generation: int) -> None:
        group = group_of(self._service.name, projection, generation)
        if group in self._tasks:
            return
        for other in [name for name in self._tasks if name.split("~")[0] == group.split("~")[0]]:
            await self._end(other)
        applies = applier(projection, store=store, generation=generation)
        for collection in applies.collections:
            await store.prepare(collection)
        label = projection.name if generation == 1 else f"{projection.name}~{generation}"
        listener = Projector(projection, applier=applies, reports=self.reports, label=label)
        self._kept[group] = Kept(label=label, group=group, projection=projection, store=store, applies=applies)
        self._consume(group, [topic_of(service) for service in projection.hears], listener)

    def _react(self, group: str, first: Reaction, reactor: Reactor) -> None:
        missed = Missed(group=group, reactor=reactor, log=self._log, parking=self.reports.parking)
        self._missed.append((missed, first.to.TYPE.split(".")[0]))
        self._consume(group, [first.topic], reactor)

    def _upkeep(self, letters: DeadLetters) -> Upkeep:
        return Upkeep(
            duty=Duty("upkeep", log=self._log),
            healing=Healing(log=self._log, feeds=self._feeds),
            heads=Heads(log=self._log, feeds=self._feeds, reports=self.reports, passed=self._passed),
            letters=letters,
            kept=lambda: [*self._kept.values()],
            missed=self._missed,
        )

    async def _passed(self, group: str, topic: str) -> bool:
        return group in self.consumers and await self.consumers[group].passed(topic)

    def _consume(self, group: str, topics: Iterable[str], listener: Listener) -> None:
        consumer = Consumer(
            self._inlets, group=group, topics=list(topics), listener=listener, parking=self.reports.parking
        )
        self.consumers[group] = consumer
        self._start(group, consumer.run())

    def _start(self, name: str, work: Any) -> None:
        self._tasks[name] = asyncio.create_task(work, name=name)

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name)
        self.consumers.pop(name, None)
        self._kept.pop(name, None)
        await end(task)

    def trouble(self) -> str | None:
        """What keeps this worker from making progress, if anything does."""
        dead = [name for name, task in self._tasks.items() if task.done()]
        if dead:
            return f"ended: {', '.join(sorted(dead))}"
        now = asyncio.get_running_loop().time()
        late = [name for name, one in self.consumers.items() if now - one.progress_at > _STUCK_AFTER]
        return f"no progress: {', '.join(sorted(late))}" if late else None


def _by_aggregate(reactions: Iterable[Reaction]) -> dict[str, list[Reaction]]:
    """Those to one kind of aggregate hear its events in their order."""
    found: dict[str, list[Reaction]] = {}
    for reaction in reactions:
        found.setdefault(reaction.to.TYPE.split(".")[1], []).append(reaction)
    return found


def group_of(service: str, projection: Projection[Any], generation: int) -> str:
    """The consumer group's name. A rebuilt generation reads the topics from their beginning: a group of its own."""
    name = f"carelog.{service}.{projection.name}"
    return name if generation == 1 else f"{name}~{generation}"


@asynccontextmanager
async def background(work: Any, name: str) -> AsyncIterator[asyncio.Task[None]]:
    """Runs beside what is inside, and ends with it."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        await end(task)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels them until they have ended: a cancellation can be lost where it meets what was just waited for."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CLEAN_UP)
    await asyncio.gather(*tasks, return_exceptions=True)
