"""A connection that is lost at the commit: the caller is told what really happened, once it is known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.kernel import Unavailable
from shared.runtime.log import Log
from shared.runtime.log.committer import Committer, Silent
from shared.runtime.log.sessions import Limits, Sessions
from shared.runtime.nearness import Stranger
from tests.integration.log.commands import counted, opened, positions
from tests.support.counter import mandate
from tests.support.harness import eventually
from tests.support.proxy import Proxy, postgres_behind, postgres_through

_SHORT = Limits(statement=1.0, lock=0.5, patience=1.0)
_SYNC = 5
"""bytes of the message that ends a request; before it, the server keeps what the request took"""


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[Proxy]:
    async with Proxy(to=postgres_behind(database)) as proxy:
        yield proxy


@asynccontextmanager
async def writing_through(proxy: Proxy, database: str, limits: Limits = Limits()) -> AsyncIterator[Log]:  # noqa: B008
    """A log whose committer is behind the proxy; its reads are not."""
    log = Log(dsn=database, nearness=Stranger(), limits=limits)
    far = Sessions(postgres_through(database, proxy), limits)
    log.committer = Committer(connect=far.connect, limits=limits)
    await log.start()
    try:
        yield log
    finally:
        proxy.heal()
        await log.stop()


@pytest.fixture
async def log(proxy: Proxy, database: str) -> AsyncIterator[Log]:
    async with writing_through(proxy, database) as log:
        await opened(log)  # what a session asks once is asked
        yield log


async def test_what_was_stored_is_answered_as_stored_though_the_reply_is_lost(log: Log, proxy: Proxy) -> None:
    proxy.cut_after(0)
    done = await opened(log)
    assert done.changed[0].version == 1
    assert await positions(log) == [1, 2]
    assert proxy.accepted == 2


async def test_a_reply_that_is_cut_in_the_middle_is_a_lost_one(log: Log, proxy: Proxy) -> None:
    proxy.cut_after(7)
    await opened(log)
    assert await positions(log) == [1, 2]


async def test_what_was_not_stored_is_stored_once(log: Log, proxy: Proxy) -> None:
    proxy.up.cut_in(20)
    done = await opened(log)
    assert done.changed[0].version == 1
    assert await positions(log) == [1, 2]


async def test_all_of_a_batch_are_told_what_happened(log: Log, proxy: Proxy) -> None:
    ids = [(await opened(log)).changed[0].id for _ in range(20)]
    proxy.cut_after(0)
    done = await asyncio.gather(*(counted(log, id) for id in ids), *(opened(log) for _ in range(20)))
    assert [one.changed[0].version for one in done] == [2] * 20 + [1] * 20
    assert await positions(log) == list(range(1, 62))


async def test_two_processes_whose_replies_are_lost_count_right(log: Log, proxy: Proxy, database: str) -> None:
    id = (await opened(log)).changed[0].id
    async with writing_through(proxy, database) as other:
        for _ in range(5):
            proxy.cut_after(0)
            await asyncio.gather(*(counted(one, id) for one in (log, other) for _ in range(4)))
    assert [stored.version for stored in await log.stream(id)] == list(range(1, 42))


async def test_a_reply_that_never_comes_is_answered_in_time_and_the_same_key_gets_the_first_answer(
    proxy: Proxy, database: str
) -> None:
    said = mandate(keyed=True)
    async with writing_through(proxy, database, _SHORT) as log:
        await opened(log)
        proxy.hold()
        proxy.up.release()
        with pytest.raises(Silent):
            await opened(log, by=said)
        proxy.heal()
        again = await opened(log, by=said)
        assert again.repeated
        assert again.changed[0].version == 1
        assert await positions(log) == [1, 2]


async def test_a_database_that_is_gone_is_said_in_time_to_all_who_wait(proxy: Proxy, database: str) -> None:
    async with writing_through(proxy, database, _SHORT) as log:
        proxy.refuse()
        answers = await asyncio.gather(*(opened(log) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        proxy.heal()
        await opened(log)
        assert await positions(log) == [1]


async def test_a_request_that_arrived_by_half_holds_nobody_up_for_long(proxy: Proxy, database: str) -> None:
    """The server runs it, and keeps the append's lock until its end arrives: the limit of a transaction ends it."""
    async with writing_through(proxy, database, _SHORT) as log:
        other = Log(dsn=database, nearness=Stranger())
        await other.start()
        await opened(log)
        before = proxy.up.passed
        await opened(log)
        proxy.up.hold_in(proxy.up.passed - before - _SYNC)
        asked = asyncio.create_task(opened(log))
        await eventually(lambda: _held(other))
        await opened(other)
        proxy.heal()
        await asked
        assert await positions(other) == [1, 2, 3, 4]
        await other.stop()


async def _held(log: Log) -> bool:
    return bool(await log.fetch("SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"))
