"""What stands open is counted as it is in the database; what is mended counts as none, and does not stay as it was."""

from uuid import uuid4

import asyncpg
import pytest

from shared.runtime.log import Log
from shared.runtime.standing import Standing

pytestmark = pytest.mark.engines

_PARK = (
    "INSERT INTO parked (consumer, topic, partition, offset_at, source, event, type, error, headers, again_at)"
    " VALUES ($1, 'topic', 0, $2, $3, '?', '?', '?', '', CASE WHEN $4 THEN now() END)"
)


@pytest.fixture
def standing(log: Log) -> Standing:
    return Standing(pool=lambda: log.pool)


async def test_events_are_counted_by_consumer_and_none_when_they_are_gone(log: Log, standing: Standing) -> None:
    pool: asyncpg.Pool = log.pool
    await pool.executemany(_PARK, [("one", 1, uuid4(), False), ("one", 2, uuid4(), False), ("two", 3, None, False)])
    await standing.look()
    assert (standing.parked, standing.untold) == ({"one": 2, "two": 1}, 3)
    await pool.execute("DELETE FROM parked WHERE consumer = 'one'")
    await standing.look()
    assert (standing.parked, standing.untold) == ({"one": 0, "two": 1}, 1)


async def test_what_only_waits_for_another_service_is_not_parked(log: Log, standing: Standing) -> None:
    waiting = uuid4()
    await log.pool.executemany(
        _PARK, [("one", 1, waiting, True), ("one", 2, waiting, False), ("one", 3, uuid4(), False)]
    )
    await standing.look()
    assert standing.parked == {"one": 1}


async def test_a_timer_that_is_late_shows_how_late(log: Log, standing: Standing) -> None:
    await standing.look()
    assert standing.overdue == 0
    await log.pool.execute("INSERT INTO timers VALUES ($1, 'ring', now() - interval '90 s')", uuid4())
    await standing.look()
    assert 90 <= standing.overdue < 900
