"""F24: twenty kinds of bad messages on the topic. Each is set aside or passed by; nobody else waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from shared.contracts.catalogue import topic_of
from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.poison import MARK, Bad, kinds
from tests.faults.oracle.oracle import Oracle
from tests.faults.oracle.topics import dead_letters
from tests.faults.row import FellShort, row

_TOPIC = topic_of("records")
_LAG = 5.0


@row(
    "F24",
    "poison of 20 kinds",
    injected="another producer puts messages on the topic that cannot be read, lie about themselves, or say old things",
)
async def poison(drill: Drill) -> None:
    small = await drill.stage.small(name="poisoned")
    async with drill.under_load(small, heals_within=60) as oracle, _watched(small) as lags:
        known = UUID(oracle.known["counters"][0])
        said = [
            make() for make in kinds(oracle.canary, known=known).values() for _ in range(drill.short_or_full(2, 10))
        ]
        drill.random.shuffle(said)
        async with asyncio.TaskGroup() as group:
            group.create_task(_put(small, oracle, said))
            group.create_task(oracle.more(100, within=120))
        aside = [one for one in said if one.aside]
        await _all_aside(small, oracle, expected=len(aside))
    letters = await dead_letters(small.kafka)
    drill.note(
        messages=len(said),
        set_aside=len(aside),
        dead_letters=sum(map(len, letters.values())),
        longest_lag_of_others=f"{max(lags, default=0.0):.1f} s",
    )
    if drill.full and max(lags, default=0.0) > _LAG:
        raise FellShort(f"others were {max(lags):.1f} s behind")


async def _put(small: Small, oracle: Oracle, said: list[Bad]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=small.kafka, max_request_size=4_000_000)
    await producer.start()
    try:
        for one in said:
            headers = [*one.headers, (MARK, b"1")]
            there = await producer.send_and_wait(
                _TOPIC, one.value, key=one.key, partition=one.partition, headers=headers
            )
            oracle.poison.append((there.topic, there.partition, there.offset))
    finally:
        await producer.stop()


async def _all_aside(small: Small, oracle: Oracle, *, expected: int) -> None:
    """Each consumer that hears of counters has set every one aside that cannot be applied, and no other."""
    connection = await asyncpg.connect(small.database("records"))
    seen: dict[str, int] = {}
    try:
        for _ in range(600):
            rows = await connection.fetch("SELECT consumer, count(*) FROM parked GROUP BY 1")
            seen = {name.rsplit(".", 1)[-1]: count for name, count in rows}
            if seen.get("tally") == seen.get("lines") == expected:
                return
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    raise FellShort(f"of {expected} messages that cannot be applied, set aside were {seen}")


@asynccontextmanager
async def _watched(small: Small) -> AsyncIterator[list[float]]:
    """The lag of each consumer, as the process tells it."""
    lags: list[float] = []
    task = asyncio.create_task(_watch(small, lags))
    try:
        yield lags
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(small: Small, lags: list[float]) -> None:
    while True:
        told = (await small.metrics("all")).splitlines()
        lags += [float(line.rsplit(" ", 1)[1]) for line in told if line.startswith("carelog_consumer_lag_seconds{")]
        await asyncio.sleep(0.2)
