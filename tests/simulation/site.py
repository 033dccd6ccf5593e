"""The service at work in the world: doors, relays and workers, each a process of its own over the same engines.

All that runs in them is the real code; the engines alone are made up.
"""

import asyncio
from typing import Any

from shared.runtime.bus.deadletters import DeadLetters
from shared.runtime.bus.lease import LogLease
from shared.runtime.bus.relay import Relay
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.feed import LogFeed
from shared.runtime.log import Log
from shared.runtime.nearness import Stranger
from shared.runtime.publishing import Publisher
from shared.runtime.workers import Workers
from tests.simulation.broker import Broker, inlets, outlet
from tests.simulation.database import Database, Pool, Session
from tests.simulation.process import Process
from tests.simulation.slips import Commands, service
from tests.simulation.stores import DistantDocuments
from tests.simulation.world import World


class DistantLog(Log):
    """The log over the simulated database."""

    def __init__(self, database: Database) -> None:
        super().__init__(dsn="", nearness=Stranger())
        self._database = database

    async def start(self) -> None:
        self._pool = Pool(self._database)  # type: ignore[assignment]
        await self.committer.start()

    async def connect(self) -> Any:
        return await Session.open(self._database)


class Site:
    """The engines, and the processes by name."""

    def __init__(self, world: World, *, doors: int, relays: int, workers: int, feeds: bool) -> None:
        self.world = world
        self.mended = False
        self.feeds = feeds
        """whether the owner's feed can be asked for what its topic has lost"""
        self.database = Database(world)
        self.broker = Broker(world)
        self.documents = DistantDocuments(world, MemoryDocuments())
        self.service = service(mended=lambda: self.mended)
        self.publisher = Publisher(self.service, epoch=1)
        self.doors = [self._process(f"door {n}", self._door) for n in range(doors)]
        self.relays = [self._process(f"relay {n}", self._relay) for n in range(relays)]
        self.workers = [self._process(f"worker {n}", self._worker) for n in range(workers)]
        world.kill, world.freeze = self._kill, self._freeze

    @property
    def processes(self) -> list[Process]:
        return [*self.doors, *self.relays, *self.workers]

    @property
    def engines(self) -> tuple[Database, Broker, DistantDocuments]:
        return self.database, self.broker, self.documents

    def start(self) -> None:
        for process in self.processes:
            process.start()

    def _process(self, name: str, main: Any) -> Process:
        return Process(self.world, name, main)

    def _kill(self, turn: Any) -> None:
        for process in self.processes:
            process.kill(turn)

    def _freeze(self, turn: Any) -> None:
        """For a moment, or for longer than the lease, or than the broker's patience with a member."""
        seconds = self.world.chance.choice((1.0, 3.0, 6.0, 6.0, 35.0)) * (0.5 + self.world.chance.random())
        for process in self.processes:
            process.freeze(turn, seconds)

    async def _log(self) -> DistantLog:
        log = DistantLog(self.database)
        await log.start()
        return log

    async def _door(self) -> Commands:
        return Commands(log=await self._log())

    async def _relay(self) -> Relay:
        log = await self._log()
        lease = LogLease(connect=log.connect)
        lease._me = self.world.id()
        relay = Relay(log=log, lease=lease, publisher=self.publisher, outlet=outlet(self.broker))
        asyncio.create_task(relay.run(), name="relay")  # noqa: RUF006 - the process keeps its tasks
        return relay

    async def _worker(self) -> Workers:
        log = await self._log()
        workers = Workers(
            service=self.service,
            projections=self.service.projections,
            log=log,
            store=self.documents,  # type: ignore[arg-type]
            relations=self.documents,  # type: ignore[arg-type]
            inlets=inlets(self.broker),
            feeds={"records": LogFeed(log=log, publisher=self.publisher)} if self.feeds else {},
            letters=DeadLetters(log=log, outlet=outlet(self.broker), topics=_nothing_to_make),
            parts={Commands: Commands(log=log)},
        )
        workers._projections.pop()  # what is known of other services' aggregates: there are none
        asyncio.create_task(workers.run(), name="workers")  # noqa: RUF006
        return workers


async def _nothing_to_make(_: object) -> None:
    """Topics are there when somebody writes to them."""
