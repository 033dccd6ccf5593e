"""The single writer. All work that is waiting when a commit returns goes into the next transaction, so that many
producers share one fsync; nobody is answered before that commit. A thread of its own keeps the event loop free."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from deploy.embedded.broker.errors import ErrorCode, Refused

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]
_MOST_IN_ONE_COMMIT = 512


@dataclass(slots=True)
class _Write:
    work: Work[Any]
    then: Callable[[Any], None]
    done: asyncio.Future[Any]
    result: Any = None
    failure: Exception | None = None


class Committer:
    def __init__(self, *, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._trouble: Exception | None = None
        self._waiting: SimpleQueue[_Write | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, *, work: Work[Result], then: Callable[[Result], None] = lambda _: None) -> asyncio.Future[Result]:
        """`work` runs inside a transaction; after the commit `then` runs on the event loop and the future is done.
        A caller who stops waiting does not undo either."""
        done: asyncio.Future[Result] = self._loop.create_future()
        self._waiting.put(_Write(work, then, done))
        return done

    async def stop(self) -> None:
        """Everything submitted so far is still committed."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        running = True
        while running:
            waiting = [self._waiting.get()]
            while not self._waiting.empty() and len(waiting) < _MOST_IN_ONE_COMMIT:
                waiting.append(self._waiting.get())
            writes = [write for write in waiting if write is not None]
            running = len(writes) == len(waiting)
            if writes:
                self._commit(writes)
                self._tell([write.failure for write in writes])
                self._loop.call_soon_threadsafe(_settle, writes)

    def _commit(self, writes: list[_Write]) -> None:
        """A full disk may end the whole transaction. What broke together is then tried one by one, so that a topic can
        be deleted to make room while producers keep trying."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for write in writes:
                self._apply(write)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            if len(writes) == 1:
                writes[0].failure = error
            for write in writes if len(writes) > 1 else ():
                self._commit([write])

    def _apply(self, write: _Write) -> None:
        """A savepoint each: what one of them breaks is not the others' loss."""
        self._connection.execute("SAVEPOINT work")
        write.failure = None
        try:
            write.result = write.work(self._connection)
        except Exception as error:
            write.failure = error
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO work")
        self._connection.execute("RELEASE work")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _tell(self, failures: list[Exception | None]) -> None:
        """A line when storing begins to fail and one when it is over, not one for each of the retries between."""
        trouble = next((failure for failure in failures if isinstance(failure, sqlite3.Error)), None)
        if trouble is not None and self._trouble is None:
            logger.error("cannot store what producers send: %s", trouble)
        elif trouble is None and self._trouble is not None:
            logger.info("stores again")
        self._trouble = trouble


def _settle(writes: list[_Write]) -> None:
    for write in writes:
        if write.failure is None:
            write.then(write.result)
        if write.done.done():
            continue
        if write.failure is None:
            write.done.set_result(write.result)
        else:
            write.done.set_exception(_answer(write.failure))


def _answer(failure: Exception) -> Exception:
    return Refused(ErrorCode.KAFKA_STORAGE_ERROR, str(failure)) if isinstance(failure, sqlite3.Error) else failure
