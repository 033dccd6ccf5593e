"""Both stores and their specification in memory, held to one behaviour."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from pymongo import AsyncMongoClient

from shared.kernel.errors import Unavailable
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.mongodb import MongoDocuments
from shared.runtime.documents.port import Documents, Equal, Order, Prefix, Query, Write
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.documents.postgres.questions import finding
from shared.runtime.documents.postgres.tables import table
from tests.integration.documents.behaviour import NOON, PEOPLE, DocumentsBehaviour, new, person
from tests.integration.documents.engines import EngineBehaviour
from tests.integration.documents.line import Line, Streams, line


class TestMemory(DocumentsBehaviour):
    @pytest.fixture
    async def documents(self) -> MemoryDocuments:
        return MemoryDocuments()


@pytest.mark.engines
class TestPostgres(EngineBehaviour):
    @pytest.fixture
    async def documents(self, database: str) -> AsyncIterator[PostgresDocuments]:
        store = await PostgresDocuments.open(dsn=database)
        yield store
        await store.close()

    @pytest.fixture
    async def far(self, database: str) -> AsyncIterator[tuple[Documents, Line]]:
        async with line(engine=lambda: _dialled(database)) as between:
            pool = asyncpg.create_pool(database, host="127.0.0.1", port=between.port, ssl=False, min_size=0)
            store = PostgresDocuments(await pool, patience=0.5)
            yield store, between
            await store.close()

    async def test_a_server_that_was_never_there_is_unavailable(self) -> None:
        with pytest.raises(Unavailable):
            await PostgresDocuments.open(dsn="postgresql://nobody@127.0.0.1:1/none", patience=1)

    @pytest.mark.parametrize(
        "query",
        [
            Query(where=[Equal("family", "k7")], order=Order("born", descending=True)),
            Query(where=[Prefix("family", "k77")]),
            Query(order=Order("visits"), after=(2990, "k2990")),
            Query(order=Order("visits", descending=True), after=(9, "k9")),
            Query(where=[Equal("tags", "t7")]),
            Query(where=[Prefix("name", "Name77")]),
        ],
    )
    async def test_a_question_is_answered_from_an_index(
        self, documents: Documents, database: str, query: Query
    ) -> None:
        await documents.prepare(PEOPLE)
        rows = [(f"k{n}", f"t{n}", f"name{n}", n) for n in range(3000)]
        await documents.insert(PEOPLE, [person(k, family=k, tags=[t], name=[w], visits=n) for k, t, w, n in rows])
        async with _connected(database) as connection:
            await connection.execute("ANALYZE")
            statement, values = next(finding(table(PEOPLE), query))
            plan = "\n".join([row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values, 10)])
        assert "Index Cond" in plan
        assert "Seq Scan" not in plan

    async def test_an_update_that_changes_no_indexed_field_stays_in_its_page(
        self, documents: Documents, database: str
    ) -> None:
        await documents.prepare(PEOPLE)
        await documents.write(PEOPLE, new(person("a", family="x", name=["y"], tags=["z"], born=NOON)))
        for revision in range(1, 21):
            again = person(
                "a", revision=revision + 1, body=b"[%d]" % revision, family="x", name=["y"], tags=["z"], born=NOON
            )
            assert await documents.write(PEOPLE, [Write(again, revision)]) == set()
        await documents.close()  # a server process tells its statistics when it ends
        async with _connected(database) as connection:
            assert await _hot_updates(connection) == 20


@pytest.mark.engines
class TestMongoDB(EngineBehaviour):
    @pytest.fixture
    async def documents(self, mongodb: str, mongo_database: str) -> AsyncIterator[MongoDocuments]:
        store = await MongoDocuments.open(url=mongodb, database=mongo_database)
        yield store
        await store.close()
        await _forget(mongodb, mongo_database)

    @pytest.fixture(autouse=True)
    async def _atomic(self, request: pytest.FixtureRequest, mongodb: str) -> None:
        if request.function.__name__.startswith("test_concurrent_writers") and await _is_ferretdb(mongodb):
            pytest.skip("FerretDB compares and writes in two steps: of two guarded writes at one moment both win")

    @pytest.fixture
    async def far(self, mongodb: str, mongo_database: str) -> AsyncIterator[tuple[Documents, Line]]:
        address = urlsplit(mongodb)
        async with line(engine=lambda: asyncio.open_connection(address.hostname, address.port or 27017)) as between:
            account = f"{address.netloc.rpartition('@')[0]}@" if "@" in address.netloc else ""
            near = address._replace(netloc=f"{account}127.0.0.1:{between.port}").geturl()
            store = await MongoDocuments.open(url=near, database=mongo_database, patience=0.5)
            yield store, between
            await store.close()
        await _forget(mongodb, mongo_database)


async def _is_ferretdb(url: str) -> bool:
    async with AsyncMongoClient[dict[str, object]](url) as client:
        return "ferretdbVersion" in await client.admin.command("buildInfo")


async def _forget(url: str, database: str) -> None:
    async with AsyncMongoClient[dict[str, object]](url) as client:
        await client.drop_database(database)


async def _dialled(dsn: str) -> Streams:
    """Bytes to and from the server of a DSN, whether it listens on a port or in a folder."""
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if folder:
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{parts.port or 5432}")
    return await asyncio.open_connection(parts.hostname, parts.port or 5432)


@asynccontextmanager
async def _connected(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _hot_updates(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """What the statistics say, a moment after the fact."""
    deadline = time.monotonic() + 20
    count = 0
    while count < 20 and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        count = await connection.fetchval(
            "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", PEOPLE.name
        )
    return count
