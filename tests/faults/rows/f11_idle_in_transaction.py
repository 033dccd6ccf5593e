"""F11: somebody's session holds the log's locks and does nothing."""

from contextlib import suppress

import asyncpg

from tests.faults.drill import Drill
from tests.faults.row import FellShort, row

_STALL = 5.0
"""seconds for which commands may stand still, and what a loaded machine is granted beside"""
_GRANTED = 1.5


@row(
    "F11",
    "idle-in-transaction session holding locks",
    injected="a foreign session: BEGIN, an append of its own, and then nothing",
)
async def idle_in_transaction(drill: Drill) -> None:
    small = await drill.small()
    stalls = []
    async with drill.under_load(small, heals_within=30) as oracle:
        for _ in range(drill.short_or_full(1, 5)):
            foreign = await asyncpg.connect(small.database("records"))
            try:
                oracle.longest_stall = 0.0
                await foreign.execute("BEGIN")
                await foreign.execute(await _taking_the_lock(foreign))
                with suppress(FellShort):
                    await oracle.more(50, within=15)
            finally:
                foreign.terminate()
            await oracle.more(5)
            stalls.append(oracle.longest_stall)
    drill.note(longest_stall=f"{max(stalls):.1f} s")
    if max(stalls) > _STALL + _GRANTED:
        raise FellShort(f"commands stood still for {max(stalls):.1f} s")


async def _taking_the_lock(connection: asyncpg.Connection) -> str:
    """What an append begins with, found in its own function: the lock that orders all appends."""
    source: str = await connection.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'append_at_once'")
    lock = next(part for part in source.split(";") if "pg_advisory_xact_lock" in part)
    return "SELECT " + lock[lock.index("pg_advisory_xact_lock") :].strip()
