"""What asyncpg's connection and pool are to the runtime, over the simulated server."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import cache
from typing import Any

import asyncpg

from tests.simulation.database.server import Database, Row, connection_lost


class Session:
    """One connection: lost with the server, or with an answer that did not come."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = database.generation
        self._closed = False

    @classmethod
    async def open(cls, database: Database) -> "Session":
        return await database.line.ask("connect", lambda: cls(database), fail=_refused)

    def is_closed(self) -> bool:
        return self._closed or self._generation != self._database.generation

    async def close(self, **_: object) -> None:
        self.terminate()

    def terminate(self) -> None:
        self._closed = True
        self._database.roll_back(self)
        self._database.listeners[:] = [one for one in self._database.listeners if one[0] is not self]

    async def fetch(self, sql: str, *arguments: Any, **_: object) -> list[Row]:
        return (await self._ask(sql, arguments))[0]

    async def fetchrow(self, sql: str, *arguments: Any, **_: object) -> Row | None:
        rows, _status = await self._ask(sql, arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any, **_: object) -> Any:
        row = await self.fetchrow(sql, *arguments)
        return row[0] if row else None

    async def execute(self, sql: str, *arguments: Any, **_: object) -> str:
        return (await self._ask(sql, arguments))[1]

    async def executemany(self, sql: str, arguments: Sequence[Sequence[Any]], **_: object) -> None:
        """One transaction."""
        await self._take(sql, lambda: [self._database.run(sql, one) for one in arguments])

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        context = copy_context()
        await self._take("LISTEN", lambda: self._database.listeners.append((self, channel, callback, context)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One for one session at a time."""
        await self._take("BEGIN", lambda: self._database.begin(self))
        try:
            yield
        except BaseException:
            self._database.roll_back(self)
            raise
        await self._take("COMMIT", lambda: self._database.commit(self))

    async def _ask(self, sql: str, arguments: Sequence[Any]) -> tuple[list[Row], str]:
        found: tuple[list[Row], str] = await self._take(sql, lambda: self._database.run(sql, arguments))
        return found

    def _take(self, sql: str, effect: Callable[[], Any]) -> "asyncio.Future[Any]":
        if self.is_closed():
            raise asyncpg.InterfaceError("connection is closed")
        return self._database.line.ask(_named(sql), self._open_still(effect), fail=self._cut, busy=self._waits)

    def _open_still(self, effect: Callable[[], Any]) -> Callable[[], Any]:
        """A statement of a session that the server has ended takes no effect."""

        def checked() -> Any:
            if self._generation != self._database.generation:
                raise connection_lost()
            return effect()

        return checked

    def _waits(self) -> bool:
        return self._database.held_by not in (None, self)

    def _cut(self) -> Exception:
        self.terminate()
        return connection_lost()


class Pool:
    """A session for each statement: those that were lost are replaced at once, as asyncpg's pool does it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fetch(self, sql: str, *arguments: Any, **_: object) -> list[Row]:
        return await Session(self._database).fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: Any, **_: object) -> Row | None:
        return await Session(self._database).fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any, **_: object) -> Any:
        return await Session(self._database).fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any, **_: object) -> str:
        return await Session(self._database).execute(sql, *arguments)

    async def executemany(self, sql: str, arguments: Sequence[Sequence[Any]], **_: object) -> None:
        await Session(self._database).executemany(sql, arguments)

    @asynccontextmanager
    async def acquire(self, **_: object) -> AsyncIterator[Session]:
        """One for oneself."""
        session = Session(self._database)
        try:
            yield session
        finally:
            session.terminate()

    async def close(self) -> None:
        """Nothing is held."""


def _refused() -> Exception:
    return ConnectionRefusedError("the database does not answer")


@cache
def _named(sql: str) -> str:
    """What the trace calls a statement: its verb and its table."""
    if found := re.search(r"append_\w+", sql):
        return found[0]
    table = re.search(r"\b(?:FROM|INTO|UPDATE|ON)\s+([a-z_]+)", sql)
    return f"{sql.split(None, 1)[0]} {table[1] if table else ''}".strip()
