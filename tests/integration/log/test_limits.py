"""Nothing waits for ever: full queues, used up connections, other people's sessions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from shared.kernel import Unavailable
from shared.runtime.log import Log
from shared.runtime.log.committer import Overloaded
from shared.runtime.log.sessions import Limits
from shared.runtime.mandate import Done
from shared.runtime.nearness import Stranger
from tests.integration.log.commands import counted, opened, positions
from tests.support.counter import mandate
from tests.support.harness import eventually

_LOCK = "SELECT pg_advisory_xact_lock(4772210, hashtext(current_schema()))"


@asynccontextmanager
async def a_log(database: str, *, queue: int = 2_000, limits: Limits = Limits()) -> AsyncIterator[Log]:  # noqa: B008
    log = Log(dsn=database, nearness=Stranger(), queue=queue, limits=limits)
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


@asynccontextmanager
async def somebody_else(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Holds the lock of the append, in a transaction that says nothing more."""
    connection = await asyncpg.connect(database)
    await connection.execute("BEGIN")
    await connection.execute(_LOCK)
    try:
        yield connection
    finally:
        connection.terminate()


async def test_who_comes_when_the_queue_is_full_is_told_so_and_nothing_is_done(database: str) -> None:
    async with a_log(database, queue=3) as log:
        async with somebody_else(database):
            asked = [asyncio.create_task(opened(log)) for _ in range(5)]
            refused = await _done(asked, how_many=2)
            assert [type(task.exception()) for task in refused] == [Overloaded, Overloaded]
            with pytest.raises(Overloaded):
                await log.refuse(mandate(keyed=True), Unavailable())
        await asyncio.gather(*(task for task in asked if task not in refused))
        assert await positions(log) == [1, 2, 3]
        assert log.committer.overloads == 3
        await opened(log)


async def _done(tasks: Sequence[asyncio.Task[Done]], *, how_many: int) -> list[asyncio.Task[Done]]:
    await eventually(lambda: sum(task.done() for task in tasks) == how_many)
    return [task for task in tasks if task.done()]


async def test_who_waits_for_an_aggregate_is_in_the_queue_too(database: str) -> None:
    async with a_log(database, queue=4) as log:
        id = (await opened(log)).changed[0].id
        results = await asyncio.gather(*(counted(log, id) for _ in range(10)), return_exceptions=True)
        assert sum(isinstance(result, Overloaded) for result in results) == 6
        assert len(await log.stream(id)) == 5


async def test_a_session_that_holds_the_lock_and_says_nothing_is_ended_by_the_database(database: str) -> None:
    async with a_log(database) as log, somebody_else(database) as foreign:
        assert await foreign.fetchval("SHOW idle_in_transaction_session_timeout") == "5s"
        await foreign.execute("SET idle_in_transaction_session_timeout = 300")
        await opened(log)
        assert await positions(log) == [1]


async def test_what_an_administrator_has_said_of_idle_sessions_stays(database: str) -> None:
    foreign = await asyncpg.connect(database)
    name = await foreign.fetchval("SELECT current_database()")
    await foreign.execute(f'ALTER DATABASE "{name}" SET idle_in_transaction_session_timeout = 9000')
    await foreign.close()
    async with a_log(database), somebody_else(database) as other:
        assert await other.fetchval("SHOW idle_in_transaction_session_timeout") == "9s"


async def test_a_lock_that_is_not_to_be_had_is_tried_again_and_then_given_up(database: str) -> None:
    async with a_log(database, limits=Limits(lock=0.1, patience=0.5)) as log:
        async with somebody_else(database):
            with pytest.raises(Unavailable):
                await opened(log)
        await opened(log)
        assert await positions(log) == [1]


async def test_a_lock_that_comes_free_in_time_is_waited_for(database: str) -> None:
    async with a_log(database, limits=Limits(lock=0.1)) as log:
        async with somebody_else(database):
            asked = asyncio.create_task(opened(log))
            await eventually(lambda: _tried_again(log))
        await asked
        assert await positions(log) == [1]


async def _tried_again(log: Log) -> bool:
    """The exact way follows the first try."""
    said = await log.fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%exactly%'")
    return bool(said)


async def test_reads_do_not_wait_for_ever_for_a_connection(database: str) -> None:
    async with a_log(database, limits=Limits(acquire=0.1)) as log:
        async with AsyncExitStack() as all_of_them:
            for _ in range(log.pool.get_max_size()):
                await all_of_them.enter_async_context(log.pool.acquire())
            with pytest.raises(Unavailable):
                await log.head()
        assert await log.head() == 0


async def test_our_sessions_have_limits_of_their_own(database: str) -> None:
    async with a_log(database) as log:
        own = await log.connect()
        for session in (own, log.pool):
            said = [await session.fetchval(f"SHOW {name}_timeout") for name in ("statement", "lock")]
            assert said == ["5s", "2s"]
        await own.close()
