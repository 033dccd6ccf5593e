"""What a run is: a storm over the service at work, then calm, and a time within which everything must be in order."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition

from shared.contracts.catalogue import contracts
from shared.runtime.bus.wire import Message
from tests.simulation.broker import watch
from tests.simulation.checks import Truth, broken, under_way, unsettled
from tests.simulation.clients import Clients
from tests.simulation.loop import Deadlock, TooLong, Turn
from tests.simulation.process import Process
from tests.simulation.site import Site
from tests.simulation.slips import CONTRACTS
from tests.simulation.world import CALM, Weather, World

_QUIET_WITHIN = 300.0
"""seconds of virtual time after the storm: more than the longest freeze, the broker's patience and all pauses"""
_TOPIC = "carelog.records.v1"
_AGAIN = "UPDATE relay SET rewind_to = 0"
"""what a topic has lost is published again, where no feed can be asked for it"""
_MENDING = "UPDATE parked SET replay_wanted = true WHERE NOT replay_wanted"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a seed."""

    seed: int
    wrong: tuple[str, ...]
    trace: tuple[str, ...]
    fingerprint: str
    events: int
    steps: int
    seconds: float


class Story:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        chance = self.world.chance
        workers, feeds = chance.choice((1, 2, 2, 3)), chance.random() < 0.5
        self.site = Site(self.world, doors=2, relays=2, workers=workers, feeds=feeds)
        slips = [self.world.id() for _ in range(chance.randint(2, 4))]
        self.clients = Clients(self.world, self.site.doors, slips, poison=chance.choice((0.0, 0.1, 0.4)))
        self.weather = Weather.drawn(chance)
        self.outages = chance.random() < 0.5
        self.losses = chance.choice((0.0, 0.0, 0.05))
        self.wrong: list[str] = []

    async def tell(self) -> None:
        """The whole of it."""
        asyncio.create_task(watch(self.site.broker), name="groups")  # noqa: RUF006 - the world keeps its tasks
        self.site.start()
        self.world.note(f"the weather will be {self.weather}")
        await self._storm()
        self._heal()
        await self._settle()

    async def _storm(self) -> None:
        chance = self.world.chance
        talks = [self.clients.write_all(), *(self.clients.talk(chance.randint(4, 10)) for _ in range(3))]
        self.world.weather = self.weather
        self.site.broker.loses = self.losses
        befalls = [self._chaos(), *(self._outage(engine) for engine in self.site.engines if self.outages)]
        chaos = asyncio.gather(*befalls)
        self._talking = asyncio.gather(*talks)
        await asyncio.wait([self._talking], timeout=chance.uniform(8.0, 30.0))
        chaos.cancel()
        await asyncio.gather(chaos, return_exceptions=True)

    async def _chaos(self) -> None:
        """Any process, at any time."""
        while True:
            await self.world.pause(12.0)
            process: Process = self.world.chance.choice(self.site.processes)
            befall = self.world.chance.choice((self.world.kill, self.world.freeze, self._garbage))
            befall(process.turns[-1])

    async def _outage(self, engine: Any) -> None:
        while True:
            await self.world.pause(60.0)
            engine.down()
            try:
                await self.world.pause(20.0)
            finally:
                engine.up()

    def _garbage(self, _: Turn) -> None:
        """Somebody writes to the topic what is no event."""
        place = TopicPartition(_TOPIC, self.world.chance.randrange(12))
        self.site.broker.append(place, [Message(b"?", b"\xff not an event", [("ce_type", b"records.slip.added.v1")])])

    def _heal(self) -> None:
        self.world.note("the storm is over")
        self.world.weather = CALM
        self.site.broker.loses = 0.0
        self.site.mended = True
        if self.site.broker.dropped and not self.site.feeds:
            self.site.database.run(_AGAIN, ())

    async def _settle(self) -> None:
        """Until nothing is under way, or for as long as it may take."""
        loop = self.world.loop
        late = loop.time() + _QUIET_WITHIN
        while loop.time() < late and not self.world.unknown:
            self.site.database.run(_MENDING, ())
            await asyncio.sleep(2.0)
            if next(self._left(), None) is None:
                break
        self.wrong += [*self.world.unknown, *self.site.documents.went_back]
        self.wrong += [f"after {_QUIET_WITHIN:.0f} s: {one}" for one in self._left()]
        self.wrong += broken(self.site, self.clients, Truth(self.site))

    def _left(self) -> Iterator[str]:
        if not self._talking.done():
            yield "a client waits for its answer"
        yield from under_way(self.site)
        yield from unsettled(self.site, Truth(self.site))

    # ----------------------------------------------------------------------------------------------------------------

    def outcome(self) -> Outcome:
        world = self.world
        events = self.site.database.tables.execute("SELECT count(*) FROM events").fetchone()[0]
        return Outcome(
            seed=world.seed,
            wrong=tuple(self.wrong),
            trace=tuple(world.trace),
            fingerprint=world.fingerprint(),
            events=events,
            steps=world.loop.steps,
            seconds=world.loop.time(),
        )

    def bury(self) -> None:
        """Ends what still runs, that of killed processes too, without a word in the trace."""
        loop, self.world.over = self.world.loop, True
        loop.most += loop.steps
        turns = [turn for process in self.site.processes for turn in process.turns]
        for turn in turns:
            loop.release(turn)
        loop.run_until_complete(_ended(loop))
        loop.close()
        self.site.database.tables.close()


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    me = asyncio.current_task()
    for _ in range(20):
        left = sorted((task for task in asyncio.all_tasks(loop) if task is not me), key=lambda task: task.get_name())
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.sleep(0.01)


@contextmanager
def _known() -> Iterator[None]:
    """The slips' contracts are in the catalogue; what the code would log goes nowhere."""
    kept = {**contracts(), **CONTRACTS}
    logging.disable(logging.CRITICAL)
    try:
        with patch("shared.runtime.bus.listening.catalogue", lambda: kept):
            yield
    finally:
        logging.disable(logging.NOTSET)


def simulate(seed: int) -> Outcome:
    """One seed's run, from its beginning to its judgement."""
    with _known():
        story = Story(seed)
        story.world.loop.set_exception_handler(lambda loop, context: None)
        try:
            story.world.loop.run_until_complete(story.tell())
        except (Deadlock, TooLong) as stuck:
            story.wrong.append(f"{type(stuck).__name__}: {stuck}")
        try:
            return story.outcome()
        finally:
            story.bury()
