"""F07: the disk refuses to keep what the database hands it."""

import asyncio
from contextlib import suppress

import asyncpg

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.calls import injected
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_STAY = 3.0
"""seconds that no session of ours stays"""


@row(
    "F07",
    "fsync error",
    injected="strace: the next `fdatasync` of each session of the database answers EIO; PostgreSQL panics and recovers",
    needs=("strace",),
)
async def disk_errors(drill: Drill) -> None:
    small = await drill.small()
    times = drill.short_or_full(1, 5)
    for _ in range(times):
        async with small.keeping_postgres(), drill.under_load(small, heals_within=60) as oracle:
            await _panic(small, oracle)
    drill.note(panics=times)


async def _panic(small: Small, oracle: Oracle) -> None:
    """The first session that meets the error takes the others with it, perhaps before all of them are traced."""
    before, sessions = _panics(small), await _sessions(small)
    with suppress(ProcessLookupError):
        async with injected(sessions, calls="fdatasync,fsync", what="error=EIO:when=1"):
            await oracle.comes_to(lambda: _panics(small) > before)
    if not await oracle.comes_to(lambda: _panics(small) > before, within=10):
        raise FellShort("no session of the database met the error")


def _panics(small: Small) -> int:
    return small.postgres_log.read_text(errors="replace").count("PANIC")


async def _sessions(small: Small) -> list[int]:
    """The service's: ours come and go."""
    connection = await asyncpg.connect(small.database("records"))
    try:
        before = {row["pid"] for row in await connection.fetch(_SESSIONS)}
        await asyncio.sleep(_STAY)
        after = {row["pid"] for row in await connection.fetch(_SESSIONS)}
    finally:
        await connection.close()
    return sorted(before & after)
