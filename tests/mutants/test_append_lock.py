"""The append's lock, on a real database: who comes during another's append waits for it, and comes next.

Without it the positions are still right (their key is unique), but the later one fails, and under contention for good.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.runtime.log import Log, Unit
from shared.runtime.log.appending import AT_ONCE
from shared.runtime.log.rows import Append
from shared.runtime.log.writing import rows_of
from shared.runtime.mandate import Done, fresh_id
from shared.runtime.nearness import Stranger
from tests.support.counter import Counter, mandate
from tests.support.harness import eventually


@pytest.fixture
async def log(database: str) -> AsyncIterator[Log]:
    log = Log(dsn=database, nearness=Stranger())
    await log.start()
    yield log
    await log.stop()


async def an_append(log: Log) -> Append:
    unit = Unit(log=log, mandate=mandate(), target=None)
    unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at))
    made = await unit.append(Done())
    assert made
    return made


async def waits(log: Log) -> Any:
    return await log.fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%at_once%'")


async def test_an_append_that_comes_during_another_waits_for_it_and_comes_next(log: Log) -> None:
    async with log.pool.acquire() as first, log.pool.acquire() as second:
        async with first.transaction():
            await first.fetchrow(AT_ONCE, *rows_of([await an_append(log)]))
            later = asyncio.create_task(second.fetchrow(AT_ONCE, *rows_of([await an_append(log)])))
            await eventually(lambda: waits(log))
        row: Any = await later

    assert row["first"] == 1
    assert [one.position for one in await log.after(0, limit=10)] == [1, 2]
