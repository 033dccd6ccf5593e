"""Our whole way from a command to its visible document: commands here, relay and worker in processes of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import asyncpg

from deploy.embedded.issuer import ISSUER
from shared.runtime.documents.opening import open_documents
from shared.runtime.documents.port import Collection, Documents
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.log import Log
from shared.runtime.mandate import fresh_id
from shared.runtime.projecting import collection_name
from shared.runtime.runtime import TOPICS
from tests.bench.bench import Bench
from tests.bench.counting import service as counting
from tests.bench.kafka import without
from tests.bench.processes import Serving, serving
from tests.bench.writing import a_log
from tests.support.counter import mandate
from tests.support.counters import Commands, Tally

CLIENTS = 16
_LOOK = 0.02
DOCUMENTS = collection_name(Tally(), 1)
_TALLIES = Collection(DOCUMENTS, Tally.fields)


class Pipeline(Protocol):
    """Takes commands, and shows a document for each."""

    async def command(self, count: int, note: str) -> None: ...

    async def visible(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Ours:
    """Commands through `Log.run`, as the doors call them."""

    log: Log
    connection: asyncpg.Connection
    """for questions beside"""
    documents: Documents
    processes: Serving

    async def command(self, count: int, note: str) -> None:
        commands = Commands(log=self.log)

        async def client() -> None:
            for _ in range(count // CLIENTS):
                await commands.open(mandate=mandate(), id=fresh_id(), note=note)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def visible(self) -> int:
        return await self.documents.count(_TALLIES, [])


@asynccontextmanager
async def ours(
    bench: Bench, *, dsn: str, name: str, roles: tuple[str, ...] = ("relay", "worker"), documents: str = "postgres"
) -> AsyncIterator[Ours]:
    """On topics that nobody has written to."""
    await without(*TOPICS, bootstrap=bench.kafka)
    told = {"documents": documents, "documents_database": f"bench_{name}"}
    async with (
        serving(*roles, home=bench.folder(name), postgres=dsn, kafka=bench.kafka, **told) as processes,
        a_log(dsn) as log,
        _store(dsn, told) as store,
    ):
        connection = await asyncpg.connect(dsn)
        try:
            yield Ours(log=log, connection=connection, documents=store, processes=processes)
        finally:
            await connection.close()


@asynccontextmanager
async def _store(dsn: str, told: Mapping[str, str]) -> AsyncIterator[Documents]:
    """The documents, wherever they are."""
    settings = counting.settings(
        postgres=dsn, port=0, issuer=ISSUER, issuer_keys="none", documents=told["documents"],
        documents_database=told["documents_database"],
    )  # fmt: skip
    beside = await PostgresDocuments.open(dsn=dsn)
    store = await open_documents(counting.name, settings, beside=beside)
    try:
        yield store
    finally:
        await store.close()
        if store is not beside:
            await beside.close()


async def end_to_end(pipeline: Pipeline, *, count: int, note: str) -> float:
    """Documents a second, from the first command until the last document can be read."""
    wanted = await pipeline.visible() + count
    began = perf_counter()
    await pipeline.command(count, note)
    await until(lambda: _reached(pipeline, wanted))
    return count / (perf_counter() - began)


async def until(holds: Callable[[], Awaitable[bool]], *, look: float = _LOOK) -> None:
    """The case's own patience ends it where it never holds."""
    while not await holds():  # noqa: ASYNC110 - it comes true in another process, without an event
        await asyncio.sleep(look)


async def _reached(pipeline: Pipeline, wanted: int) -> bool:
    return await pipeline.visible() >= wanted
