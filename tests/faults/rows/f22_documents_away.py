"""F22: the document store goes away in the middle of writing, both of them: JSONB beside the log, and MongoDB's."""

import asyncio

import asyncpg

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.row import FellShort, NotHere, row
from tests.support.engines.choice import native_mongodb
from tests.support.engines.engine import EngineUnavailable


@row(
    "F22",
    "document store down, killed mid-batch",
    injected="sessions that write documents are ended in the middle (JSONB); the MongoDB-protocol server (FerretDB) is"
    " killed under load and started again after 15 s (long form: 10 min)",
)
async def documents_away(drill: Drill) -> None:
    small = await drill.small()
    async with drill.under_load(small, clients=8, heals_within=60) as oracle:
        ended = 0
        for _ in range(drill.short_or_full(40, 400)):
            ended += await _end_writers(small)
            await oracle.more(2)
    drill.note(writing_sessions_ended=ended)
    if not ended:
        raise FellShort("no session was met while it wrote documents")
    await _mongodb(drill)


async def _end_writers(small: Small) -> int:
    """How many were met at it; looked for often, because each is short."""
    connection = await asyncpg.connect(small.database("records"))
    try:
        for _ in range(200):
            rows = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE 'INSERT INTO \"%'"
            )
            if rows:
                return len(rows)
    finally:
        await connection.close()
    return 0


async def _mongodb(drill: Drill) -> None:
    folder = drill.stage.new_folder()
    engine = native_mongodb(run=folder)
    try:
        await asyncio.to_thread(engine.start)
    except EngineUnavailable as missing:
        raise NotHere(f"JSONB held; MongoDB's protocol: {missing}") from None
    try:
        small = await drill.stage.small(
            name="mongodb", small=Small(folder=folder, told={"CARELOG_DOCUMENTS": engine.address})
        )
        async with drill.under_load(small, clients=4, heals_within=180) as oracle:
            await asyncio.to_thread(engine.kill)
            await asyncio.sleep(drill.short_or_full(15, 600))
            drill.note(acknowledged_without_mongodb=oracle.counts.acknowledged)
            await asyncio.to_thread(engine.start)
    finally:
        await drill.stage.leave("mongodb")
        await asyncio.to_thread(engine.stop)
