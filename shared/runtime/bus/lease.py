"""The relay's lease: who may publish a log, and how far it is published. One relay holds it at a time.

It lapses where it is not renewed, so a relay that died, was frozen or hangs is replaced within five seconds (ADR 0018).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg

from shared.runtime.bus.extents import Extents

LAPSE = 4.0
"""seconds after which a lease that was not renewed may be taken by another"""
_PATIENCE = 3.0
"""seconds that one statement may take: a lease that takes longer is as good as lost"""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Deposed(Exception):
    """Another relay has taken the lease: what this one has in hand is the other's to publish."""


class Lease(Protocol):
    """What a relay needs of its log besides reading it. Times are the database's."""

    async def take(self) -> int | None:
        """The position to go on from, where the lease is ours now; None: another relay holds it."""

    async def renew(self) -> int | None:
        """Keeps it for `LAPSE` seconds more. Returns the position that an operator wants published again from, if one
        does. Raises `Deposed`.
        """

    async def save(self, position: int) -> None:
        """All up to here is acknowledged. Raises `Deposed`."""

    async def rewind(self, *, to: int) -> None:
        """What comes after this position is to be published again. Raises `Deposed`."""

    async def give_back(self) -> None:
        """Lets the next relay begin at once. Nothing happens where it is another's already."""

    async def age(self, position: int | None) -> float:
        """Seconds since the oldest event after this position was recorded (None: after the saved one); 0: none is."""

    async def news(self, *, within: float) -> None:
        """Returns when something may have been appended since it was last asked, at the latest after these seconds."""

    async def close(self) -> None:
        """Lets go of the connection. The lease can be taken again afterwards."""


_TAKE = """
    UPDATE relay SET holder = $2, renewed_at = clock_timestamp(),
        position = least(position, coalesce(rewind_to, position)), rewind_to = NULL
    WHERE holder IS NULL OR holder = $1 OR renewed_at IS NULL
        OR renewed_at < clock_timestamp() - make_interval(secs => $3)
    RETURNING position, extents
"""
"""each under a new name: one that its sender has given up may still come, and would take the wish to rewind with it"""
_RENEW = "UPDATE relay SET renewed_at = clock_timestamp() WHERE holder = $1 RETURNING true AS ours, rewind_to"
_SAVE = """
    UPDATE relay SET position = greatest(position, $2), extents = CASE WHEN position > $2 THEN extents ELSE $3 END
    WHERE holder = $1 RETURNING true
"""
"""a save that its sender has given up may still come, after a later one"""
_REWIND = """
    UPDATE relay SET position = least(position, $2), extents = $3, rewind_to = NULL, holder = $4
    WHERE holder = $1 RETURNING true
"""
_GIVE_BACK = "UPDATE relay SET holder = NULL WHERE holder = $1"
_AGE = """
    SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 FROM events
    WHERE position > coalesce($1, (SELECT position FROM relay)) ORDER BY position LIMIT 1
"""


class LogLease:
    """The lease in the log's own database, over one connection, which hears of appends, too.

    `extents`: what the topic is known to hold, read when the lease is taken and saved with each position.
    """

    def __init__(self, *, connect: Connect) -> None:
        self.extents = Extents()
        self._connect = connect
        self._me: UUID = uuid4()
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._appended = asyncio.Event()

    async def take(self) -> int | None:
        async with self._session() as session:
            before, self._me = self._me, uuid4()
            row = await session.fetchrow(_TAKE, before, self._me, LAPSE)
        if row is None:
            return None
        self.extents.unpack(row["extents"])
        position: int = row["position"]
        return position

    async def renew(self) -> int | None:
        async with self._session() as session:
            row = await session.fetchrow(_RENEW, self._me)
        if row is None:
            raise Deposed
        wanted: int | None = row["rewind_to"]
        return wanted

    async def save(self, position: int) -> None:
        async with self._session() as session:
            if not await session.fetchval(_SAVE, self._me, position, self.extents.pack()):
                raise Deposed

    async def rewind(self, *, to: int) -> None:
        """Under a new name: a save under the old one that was given up and comes late finds nothing to save to."""
        async with self._session() as session:
            before, self._me = self._me, uuid4()
            if not await session.fetchval(_REWIND, before, to, self.extents.pack(), self._me):
                raise Deposed

    async def give_back(self) -> None:
        async with self._session() as session:
            await session.execute(_GIVE_BACK, self._me)

    async def age(self, position: int | None) -> float:
        async with self._session() as session:
            seconds: float | None = await session.fetchval(_AGE, position)
            return max(0.0, seconds or 0.0)

    async def news(self, *, within: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):  # `wait_for` can lose a cancellation that comes with the event
                await self._appended.wait()
        self._appended.clear()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection]:
        """The connection, for one statement; one that failed is made anew by whoever comes next."""
        async with self._one_at_a_time, asyncio.timeout(_PATIENCE):
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._opened()
                yield self._connection
            except BaseException as error:
                if not isinstance(error, Deposed):
                    await self.close()
                raise

    async def _opened(self) -> asyncpg.Connection:
        """A position that is lost in a crash of the database is published again: no flush is waited for."""
        connection = await self._connect()
        await connection.execute("SET synchronous_commit = off")
        await connection.add_listener("carelog_appended", lambda *_: self._appended.set())
        self._appended.set()
        return connection


async def ask_to_rewind(connection: "asyncpg.Connection | asyncpg.Pool", *, to: int) -> None:
    """For the operator: whichever relay is at work publishes what comes after this position again, within seconds."""
    await connection.execute("UPDATE relay SET rewind_to = least($1, coalesce(rewind_to, $1))", to)
