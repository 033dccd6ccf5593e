"""Group commit: everything that waits when the previous commit returns goes into one transaction; no timer.

Optimistic first: the unique keys judge a whole batch. Where they object, or where a reply was lost, every command of
the batch is answered by the exact path: stored, duplicate (with the first answer) or conflict.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.kernel import Unavailable
from shared.runtime.log.rows import Append
from shared.runtime.log.schema import EVENT_COLUMNS

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_CASTS = [f"{kind}[]" for _, kind in EVENT_COLUMNS] + [
    "uuid[]", "bytea[]", "text[]", "bytea[]", "uuid[]", "integer[]", "uuid[]", "text[]", "timestamptz[]",
]  # fmt: skip
_ARGUMENTS = ", ".join(f"${n}::{cast}" for n, cast in enumerate(_CASTS, start=1))
_BATCH = f"SELECT first, at FROM append_batch({_ARGUMENTS})"
_ONE = f"SELECT * FROM append_one({_ARGUMENTS})"
AWAY = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # stopping, starting, cancelled
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended the session in the middle of an answer
)
"""how a database that is away for a moment shows"""
_EVENTS_AT_ONCE = 4_000
_TRIES = 3

_LOG = logging.getLogger(__name__)


class Conflict(Exception):
    """Another command came first: load and ask again."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the events are now. `first` is the position before the first of them."""

    first: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The command was here before: what was kept of it."""

    fingerprint: bytes
    outcome: str
    answer: bytes | None


Answer = Appended | Duplicate


def _columns(appends: Sequence[Append]) -> list[list[Any]]:
    """The arguments of the append functions: one array for each column."""
    rows = [event.columns(append.why) for append in appends for event in append.events]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in EVENT_COLUMNS]
    commands = [[a.why.command, a.fingerprint, a.outcome, a.answer] for a in appends]
    needed = [need for a in appends for need in a.needed]
    timers = [(t.aggregate, t.command, t.due) for a in appends for t in a.timers]
    return [
        *columns,
        *(list(c) for c in zip(*commands, strict=True)),
        *([row[i] for row in needed] for i in range(2)),
        *([row[i] for row in timers] for i in range(3)),
    ]


class Committer:
    """Owns one connection and appends through it, one batch at a time.

    Raises (at `append`) `Conflict` for a command that lost, `Unavailable` where the database cannot be reached.
    """

    def __init__(self, *, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._waiting: deque[tuple[Append, asyncio.Future[Answer]]] = deque()
        self._under_way: list[tuple[Append, asyncio.Future[Answer]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._connection = await self._connect()
        self._task = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Commits what is under way and waiting, then lets go of the connection."""
        if self._task:
            asked = [future for _, future in (*self._under_way, *self._waiting)]
            await asyncio.gather(*asked, return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection:
            await self._connection.close()

    async def append(self, append: Append) -> Answer:
        """Stored when this returns. If its caller is cancelled meanwhile, it may be stored or not."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((append, future))
        self._wake.set()
        return await future

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._under_way = batch = self._take()
                try:
                    await self._commit(batch)
                except Exception:  # noqa: BLE001 - a committer that ended would leave every command waiting
                    _LOG.exception("a batch could not be committed")
                    for _, future in batch:
                        _fail(future, Unavailable("The log could not be written: try again."))

    def _take(self) -> list[tuple[Append, asyncio.Future[Answer]]]:
        """The next batch: in order of arrival, at most one command for each aggregate and command id."""
        batch: list[tuple[Append, asyncio.Future[Answer]]] = []
        later: list[tuple[Append, asyncio.Future[Answer]]] = []
        touched: set[Any] = set()
        events = 0
        while self._waiting and (not batch or events < _EVENTS_AT_ONCE):
            item = self._waiting.popleft()
            if touched.isdisjoint(item[0].touches):
                batch.append(item)
                events += len(item[0].events)
            else:
                later.append(item)
            touched |= item[0].touches
        self._waiting.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: list[tuple[Append, asyncio.Future[Answer]]]) -> None:
        try:
            await self._commit_at_once(batch)
        except asyncpg.UniqueViolationError:
            await self._commit_exactly(batch)
        except AWAY as lost:
            _LOG.warning("the log's connection was lost", extra={"error": type(lost).__name__})
            await self._commit_exactly(batch)
        except asyncpg.PostgresError as error:
            _LOG.error("the log refused an append", extra={"error": type(error).__name__})
            await self._commit_exactly(batch)

    async def _commit_at_once(self, batch: list[tuple[Append, asyncio.Future[Answer]]]) -> None:
        connection = await self._connected()
        row: Any = await connection.fetchrow(_BATCH, *_columns([append for append, _ in batch]))
        first = row["first"]
        for append, future in batch:
            _answer(future, Appended(first, row["at"]))
            first += len(append.events)

    async def _commit_exactly(self, batch: list[tuple[Append, asyncio.Future[Answer]]]) -> None:
        """One transaction a command: what one is refused for does not touch the others.

        After a lost reply nobody knows what was committed: the command ids in the log do.
        """
        for append, future in batch:
            if not future.done():
                await self._commit_one(append, future)

    async def _commit_one(self, append: Append, future: asyncio.Future[Answer]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                connection = await self._connected()
                row: Any = await connection.fetchrow(_ONE, *_columns([append]))
            except (asyncpg.PostgresError, *AWAY) as error:
                if left and not isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError):
                    continue
                _fail(future, Unavailable("The log could not be written: try again."))
                return
            match row["outcome"]:
                case "stored":
                    _answer(future, Appended(row["first"], row["at"]))
                case "duplicate":
                    _answer(future, Duplicate(row["kept_fingerprint"], row["kept_outcome"], row["kept_answer"]))
                case _:
                    _fail(future, Conflict())
            return

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection


def _answer(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Answer], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
