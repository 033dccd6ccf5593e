"""Connections to the log's database, with limits: nothing waits for ever, on either side.

Each process says the limits for its own sessions. The database says one for everybody else's (`schema`).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

AWAY = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # stopping, starting, cancelled
    asyncpg.InsufficientResourcesError,  # no connection, no disk, no memory left
    asyncpg.PostgresSystemError,  # its disk does not answer
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidTransactionStateError,  # idle or open for too long; a server that only reads
    asyncpg.FatalPostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended the session in the middle of an answer
)
"""how a database that is away for a moment shows"""
_TRANSACTION_LIMIT_SINCE = (17, 0)
PLANS = dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off")
"""A statement is planned once a session, perhaps while the table has ten rows, and then reads all of a million of them.
Whatever is asked of a log goes by an index.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds."""

    connect: float = 2.0
    acquire: float = 2.0
    """for one of the pool's connections, when all are in use"""
    statement: float = 5.0
    lock: float = 2.0
    idle: float = 5.0
    """in a transaction that says nothing: a session that holds the lock of the append and sleeps"""
    patience: float = 10.0
    """for one batch of commands, before its callers are told to come back later"""

    @property
    def reply(self) -> float:
        """The server has given up before we do."""
        return self.statement * 1.2

    def settings(self) -> Mapping[str, str]:
        """As the server is told at the beginning of a session."""
        return {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
            "tcp_keepalives_idle": "5",
            "tcp_keepalives_interval": "2",
            "tcp_keepalives_count": "3",
            **PLANS,
        }


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens connections to one database."""

    dsn: str
    limits: Limits = Limits()

    async def connect(self) -> asyncpg.Connection:
        """One that is kept by who asked. Raises one of `AWAY`."""
        connection = await asyncpg.connect(
            self.dsn,
            timeout=self.limits.connect,
            command_timeout=self.limits.reply,
            server_settings=dict(self.limits.settings()),
        )
        await self._settle(connection)
        return connection

    async def open_pool(self, *, most: int = 8) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self.dsn,
            min_size=1,
            max_size=most,
            timeout=self.limits.connect,
            command_timeout=self.limits.reply,
            server_settings=dict(self.limits.settings()),
            init=self._settle,
            reset=_as_it_is,
        )

    @asynccontextmanager
    async def unlimited(self) -> AsyncIterator[asyncpg.Connection]:
        """For what may take its time: making tables."""
        connection = await asyncpg.connect(self.dsn, timeout=self.limits.connect)
        try:
            yield connection
        finally:
            await connection.close()

    async def _settle(self, connection: Any) -> None:
        """A statement that arrived by half keeps its locks without being idle, or running: this ends it."""
        version = connection.get_server_version()
        if (version.major, version.minor) >= _TRANSACTION_LIMIT_SINCE:
            await connection.execute(f"SET transaction_timeout = {_milliseconds(self.limits.statement)}")


async def _as_it_is(_: object) -> None:
    """Nothing here changes a session, so none is reset when it is given back: that would double every round trip."""


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
