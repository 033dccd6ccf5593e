"""Runs the idiomatic pipeline: commands here, follower and subscriber in processes of their own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.runtime.bus.topics import PARTITIONS
from tests.bench.bench import our_own
from tests.bench.kafka import topics
from tests.bench.processes import end, started
from tests.bench.references.idiomatic.application import Counters, environment_of
from tests.bench.references.idiomatic.showing import TABLE, TOPIC

_PARTS = ("following", "showing")


@dataclass(frozen=True, kw_only=True)
class Idiomatic:
    """The pipeline, running."""

    counters: Counters
    connection: asyncpg.Connection

    async def command(self, count: int, note: str) -> None:
        await asyncio.to_thread(self.counters.open_many, count, note)

    async def visible(self) -> int:
        """How many documents there are."""
        return int(await self.connection.fetchval("SELECT count(*) FROM documents"))


@asynccontextmanager
async def idiomatic(*, dsn: str, kafka: str, folder: Path) -> AsyncIterator[Idiomatic]:
    told = {**os.environ, **environment_of(dsn), "KAFKA": kafka, "POSTGRES": dsn}
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    counters = Counters(env=environment_of(dsn))
    async with topics(TOPIC, bootstrap=kafka, partitions=PARTITIONS):
        parts = [started(our_own(f"{__package__}.{part}"), log=folder / f"{part}.log", told=told) for part in _PARTS]
        try:
            yield Idiomatic(counters=counters, connection=connection)
        finally:
            end(*parts)
            counters.close()
            await connection.close()
