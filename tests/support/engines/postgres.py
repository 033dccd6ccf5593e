"""PostgreSQL for tests: the one the environment names, else the local one of the embedded mode."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg


class Postgres(Protocol):
    """What tests ask of a server; `LocalPostgres` is one."""

    def dsn(self, *, database: str) -> str: ...

    def ensure_database(self, *, name: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class GivenPostgres:
    """A server whose address the environment gave, as `postgresql://user:password@host:port/database`."""

    address: str

    def dsn(self, *, database: str) -> str:
        return urlunsplit(urlsplit(self.address)._replace(path=f"/{database}"))

    def ensure_database(self, *, name: str) -> None:
        raise NotImplementedError("on a given server the tests make databases of their own, with fresh_database")


@asynccontextmanager
async def fresh_database(*, server: Postgres) -> AsyncIterator[str]:
    """The DSN of an empty database that is gone afterwards, whoever is still connected."""
    name = f"test_{uuid4().hex}"
    await _say(server=server, statement=f'CREATE DATABASE "{name}"')
    try:
        yield server.dsn(database=name)
    finally:
        await _say(server=server, statement=f'DROP DATABASE "{name}" WITH (FORCE)')


async def _say(*, server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn(database="postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
