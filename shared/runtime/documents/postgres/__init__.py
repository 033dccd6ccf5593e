"""Documents in PostgreSQL, a table for each collection: for the embedded mode and for those who run no MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import asyncpg

from shared.kernel.errors import Unavailable
from shared.runtime.documents.port import Collection, Document, Query, Term, Write
from shared.runtime.documents.postgres.questions import counting, finding
from shared.runtime.documents.postgres.tables import quoted, table
from shared.runtime.documents.values import checked_name, clean, distinct, findable, in_order

# Begins with an underscore, which no collection does.
_ALIASES = '"_aliases"'
_ALIASES_TABLE = f"CREATE TABLE IF NOT EXISTS {_ALIASES} (alias text PRIMARY KEY, name text NOT NULL)"
_POINT = f"INSERT INTO {_ALIASES} VALUES ($1, $2) ON CONFLICT (alias) DO UPDATE SET name = excluded.name"  # noqa: S608
_ALONE = "SELECT pg_advisory_xact_lock(1685021555)"  # IF NOT EXISTS fails when two are at it
_THERE = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NOT NULL"

_TRANSIENT = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # stopping, starting, cancelled
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # the server ended the session in the middle of an answer
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica after a failover
    asyncpg.LockNotAvailableError,
)


async def _as_it_is(_: object) -> None:
    """No call changes its session, so none is reset when it is given back: that would double every round trip."""


class PostgresDocuments:
    """The port over one database. Each call is one round trip, bounded by `patience` seconds for getting a connection
    and as many for the answer."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, patience: float = 10.0) -> None:
        self._pool, self._patience = pool, patience

    @classmethod
    async def open(cls, *, dsn: str, connections: int = 8, patience: float = 10.0) -> Self:
        with _answering():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=connections,
                timeout=patience,
                reset=_as_it_is,
                server_settings={"enable_seqscan": "off", "jit": "off"},
            )
        return cls(pool, patience=patience)

    async def prepare(self, collection: Collection) -> None:
        creation = table(collection).creation
        there = {row[0] for row in await self._fetch(_THERE, list(creation))}
        if missing := [statement for name, statement in creation.items() if name not in there]:
            await self._make(missing)

    async def drop(self, name: str) -> None:
        await self._fetch(f"DROP TABLE IF EXISTS {quoted(checked_name(name))}")

    async def read(self, collection: Collection, ids: Iterable[str]) -> dict[str, Document]:
        the = table(collection)
        rows = await self._fetch(f"{the.select} WHERE id = ANY($1)", findable(ids))
        return {document.id: document for document in map(the.document, rows)}

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        if not writes:
            return set()
        the, sorted_writes = table(collection), in_order(writes)
        arrays = the.arrays([write.document for write in sorted_writes])
        won = await self._fetch(the.write, *arrays, [write.base for write in sorted_writes])
        return {write.document.id for write in writes} - {row[0] for row in won}

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        if documents:
            the = table(collection)
            await self._fetch(the.insert, *the.arrays(distinct(documents)))

    async def get(self, collection: Collection, id: str) -> Document | None:
        found = (await self.read(collection, [id])).get(id)
        return found if found and found.visible else None

    async def find(self, collection: Collection, query: Query) -> Sequence[Document]:
        the, rows = table(collection), list[Any]()
        for statement, values in finding(the, query):
            if (wanted := query.limit - len(rows)) > 0:
                rows += await self._fetch(statement, *values, wanted)
        return [the.document(row) for row in rows]

    async def count(self, collection: Collection, where: Sequence[Term]) -> int:
        statement, values = counting(table(collection), where)
        return int((await self._fetch(statement, *values))[0][0])

    async def scan(self, collection: Collection, *, after: str, limit: int) -> Sequence[Document]:
        the = table(collection)
        rows = await self._fetch(f"{the.select} WHERE id > $1 ORDER BY id LIMIT $2", clean(after), max(limit, 0))
        return [the.document(row) for row in rows]

    async def aliases(self) -> Mapping[str, str]:
        try:
            return {row[0]: row[1] for row in await self._fetch(f"SELECT alias, name FROM {_ALIASES}")}  # noqa: S608
        except asyncpg.UndefinedTableError:
            return {}

    async def point(self, alias: str, name: str) -> None:
        names = checked_name(alias), checked_name(name)
        try:
            await self._fetch(_POINT, *names)
        except asyncpg.UndefinedTableError:
            await self._make([_ALIASES_TABLE])
            await self._fetch(_POINT, *names)

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), self._patience)
        except TimeoutError:
            self._pool.terminate()

    async def _make(self, statements: Sequence[str]) -> None:
        """In one message, which is one transaction: one of ours could not be ended on a line that fell silent."""
        async with self._connection() as connection:
            await connection.execute(";".join([_ALONE, *statements]), timeout=self._patience)

    async def _fetch(self, statement: str, *values: Any) -> "list[asyncpg.Record]":
        async with self._connection() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values, timeout=self._patience)
            return rows

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _answering():
            async with self._pool.acquire(timeout=self._patience) as connection:
                yield connection


@contextmanager
def _answering() -> Iterator[None]:
    """What another moment may mend is `Unavailable`; a mistake of ours stays what it is."""
    try:
        yield
    except _TRANSIENT as gone:
        raise Unavailable(f"the document store does not answer ({type(gone).__name__})") from gone
    except asyncpg.InterfaceError as gone:
        if isinstance(gone, ValueError):  # asyncpg.DataError: an argument of the wrong type
            raise
        raise Unavailable("the connection to the document store is closed") from gone
