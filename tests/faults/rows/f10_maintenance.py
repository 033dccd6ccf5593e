"""F10: the database is vacuumed and gets a new index while commands come."""

import asyncpg

from shared.runtime.log import Log
from tests.faults.drill import Drill
from tests.faults.injecting.bulk import BULK, append_bulk
from tests.faults.row import row
from tests.integration.runtime.asking import Known

_WORK = (
    "VACUUM (FREEZE, ANALYZE) events",
    "CREATE INDEX CONCURRENTLY drilled ON events (recorded_at, name)",
    "REINDEX INDEX CONCURRENTLY events_aggregate_version",
    "VACUUM (FREEZE) commands",
    "DROP INDEX drilled",
)


@row(
    "F10",
    "VACUUM FREEZE and index build during load",
    injected="SQL on a log of thousands of events: `VACUUM (FREEZE)`, `CREATE INDEX` and `REINDEX CONCURRENTLY`",
)
async def maintenance(drill: Drill) -> None:
    small = await drill.stage.small(name="grown")
    await _grow(small.database("records"), times=drill.short_or_full(4, 40))
    async with drill.under_load(small, clients=8, before=50, heals_within=60) as oracle:
        oracle.client.took.clear()
        connection = await asyncpg.connect(small.database("records"))
        try:
            for _ in range(drill.short_or_full(2, 10)):
                for statement in _WORK:
                    await connection.execute(statement, timeout=300)
            await oracle.more(50)
        finally:
            await connection.close()
    drill.note(events=drill.short_or_full(4, 40) * BULK, p99_of_a_command=f"{oracle.client.percentile(0.99):.0f} ms")


async def _grow(database: str, *, times: int) -> None:
    log = Log(dsn=database, nearness=Known())
    await log.start()
    try:
        for _ in range(times):
            await append_bulk(log)
    finally:
        await log.stop()
