"""F12: the database has no connection left, and those that there are do not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

_PATIENCE = 10.0
"""seconds in which every single try must be answered"""


@row(
    "F12",
    "connections exhausted",
    injected="other sessions take every slot of PostgreSQL, and the service's are ended; then a session that locks the"
    " tables keeps the whole pool waiting",
)
async def no_connections(drill: Drill) -> None:
    small = await drill.small()
    for hold in (_every_slot, _every_answer):
        async with drill.under_load(small, clients=12, heals_within=30) as oracle, hold(small):
            await _told_to_come_later(oracle)
            await asyncio.sleep(drill.short_or_full(6, 60))
        drill.note(**{f"slowest_{hold.__name__.strip('_')}": f"{oracle.client.trouble.slowest:.1f} s"})
        if oracle.client.trouble.hung or oracle.client.trouble.slowest > _PATIENCE:
            raise FellShort(f"an answer took {oracle.client.trouble.slowest:.0f} s ({oracle.client.trouble.hung} hung)")


async def _told_to_come_later(oracle: Oracle) -> None:
    if not await oracle.comes_to(lambda: oracle.client.trouble.later > 0, within=_PATIENCE):
        raise FellShort(f"nobody was told to come later in {_PATIENCE:.0f} s")


@asynccontextmanager
async def _every_slot(small: Small) -> AsyncIterator[None]:
    """No session can begin; the service's have ended."""
    async with AsyncExitStack() as held:
        first = await _sleeping(small, held)
        await _take_the_rest(small, held)
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'counters' AND application_name <> 'drill'"
        )
        await first.execute(sql)
        await _take_the_rest(small, held)
        yield


async def _take_the_rest(small: Small, held: AsyncExitStack) -> None:
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            await _sleeping(small, held)


async def _sleeping(small: Small, held: AsyncExitStack) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        small.postgres.dsn(database="counters"), server_settings={"application_name": "drill"}
    )
    held.callback(connection.terminate)
    return connection


@asynccontextmanager
async def _every_answer(small: Small) -> AsyncIterator[None]:
    """Whatever is asked of the log waits."""
    connection = await asyncpg.connect(small.database("records"))
    sleeping: asyncio.Task[str] | None = None
    try:
        await connection.execute("BEGIN; LOCK TABLE commands, events IN ACCESS EXCLUSIVE MODE")
        sleeping = asyncio.create_task(connection.execute("SELECT pg_sleep(3600)"))
        yield
    finally:
        await _ended(small, connection.get_server_pid())
        if sleeping is not None:
            await asyncio.gather(sleeping, return_exceptions=True)


async def _ended(small: Small, pid: int) -> None:
    """A session that sleeps does not see that its client is gone."""
    connection = await asyncpg.connect(small.database("records"))
    await connection.execute("SELECT pg_terminate_backend($1)", pid)
    await connection.close()
