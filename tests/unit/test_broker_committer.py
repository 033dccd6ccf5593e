"""The development broker's group commit: shared by those who wait together, the fault of one is not the others'."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest

from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.storage.committer import Committer


class Store:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("CREATE TABLE kept (name TEXT UNIQUE)")
        self.commits = 0
        self.connection.set_trace_callback(self._count)
        self.committer = Committer(connection=self.connection)

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def keep(self, name: str) -> asyncio.Future[str]:
        def insert(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO kept VALUES (?)", (name,))
            return name

        return self.committer.submit(work=insert)

    def hold_up(self) -> threading.Event:
        """The committer is busy until this is set, so that what comes meanwhile waits together."""
        go_on = threading.Event()
        self.committer.submit(work=lambda _: go_on.wait(10))
        return go_on

    def kept(self) -> set[str]:
        return {name for (name,) in self.connection.execute("SELECT name FROM kept")}


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    it = Store()
    yield it
    await it.committer.stop()


def disk_is_full(connection: sqlite3.Connection) -> None:
    """As SQLite may do it: the whole transaction is gone, not this statement alone."""
    connection.execute("INSERT INTO kept VALUES ('never')")
    connection.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


def refuse(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO kept VALUES ('never')")
    raise Refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)


async def test_writes_that_wait_together_share_a_commit(store: Store) -> None:
    go_on = store.hold_up()
    waiting = [store.keep(str(number)) for number in range(100)]
    go_on.set()
    assert await asyncio.gather(*waiting) == [str(number) for number in range(100)]
    assert store.commits <= 3


async def test_a_refusal_fails_its_own_write_alone(store: Store) -> None:
    go_on = store.hold_up()
    first, refused, last = store.keep("first"), store.committer.submit(work=refuse), store.keep("last")
    go_on.set()
    assert (await first, await last) == ("first", "last")
    with pytest.raises(Refused):
        await refused
    assert store.kept() == {"first", "last"}


async def test_what_a_full_disk_breaks_together_is_tried_one_by_one(store: Store) -> None:
    go_on = store.hold_up()
    first, full, last = store.keep("first"), store.committer.submit(work=disk_is_full), store.keep("last")
    go_on.set()
    assert (await first, await last) == ("first", "last")
    with pytest.raises(Refused) as refused:
        await full
    assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
    assert store.kept() == {"first", "last"}


async def test_a_write_is_done_even_when_nobody_waits_for_it_any_more(store: Store) -> None:
    seen = asyncio.Event()
    go_on = store.hold_up()
    store.committer.submit(work=lambda _: None, then=lambda _: seen.set()).cancel()
    go_on.set()
    async with asyncio.timeout(5):
        await seen.wait()
