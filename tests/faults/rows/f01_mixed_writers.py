"""F01: thousands of events in one append beside single ones, and readers that follow by position.

The same mix with the library's own fast mode, database functions, which take no lock: it has to lose events, or else
this row could not see it when ours did.
"""

import asyncio

from shared.runtime.log import Log
from tests.faults.drill import Drill
from tests.faults.injecting.bulk import BULK, append_bulk
from tests.faults.injecting.library import lost_by_the_library
from tests.faults.row import FellShort, row
from tests.integration.runtime.asking import Known

WRITERS = 4


@row(
    "F01",
    "slow and fast appends at once, bulk import",
    injected="4 writers of 3,000-event appends in another process, single commands, two followers; then the same with"
    " the library's database functions, which must lose events",
)
async def mixed_writers(drill: Drill) -> None:
    small = await drill.stage.small(name="mixed")
    async with drill.under_load(small, clients=2, heals_within=60) as oracle:
        log = Log(dsn=small.database("records"), nearness=Known())
        await log.start()
        try:
            done = asyncio.Event()
            following = [asyncio.create_task(_follow(log, limit, done)) for limit in (50, 1_000)]
            for _ in range(drill.short_or_full(1, 5)):
                await asyncio.gather(*(append_bulk(log) for _ in range(WRITERS)))
            done.set()
            for seen in await asyncio.gather(*following):
                if seen != list(range(1, len(seen) + 1)):
                    raise FellShort("a follower did not see every position once, in order")
        finally:
            await log.stop()
        await oracle.more(10)
    drill.note(bulk_events=drill.short_or_full(1, 5) * WRITERS * BULK)
    await asyncio.to_thread(small.postgres.ensure_database, name="library")
    lost = await asyncio.to_thread(lost_by_the_library, small.postgres.dsn(database="library"))
    if not lost:
        raise FellShort("the library's database functions lost nothing: the mix does not show what it should")
    drill.note(lost_by_the_library=lost)


async def _follow(log: Log, limit: int, done: asyncio.Event) -> list[int]:
    """The positions after the last it saw, again and again, as a relay sees them; at the end, all there are."""
    seen: list[int] = []
    while True:
        ending = done.is_set()
        page = [one.position for one in await log.after(seen[-1] if seen else 0, limit=limit)]
        seen += page
        if ending and not page:
            return seen
        await asyncio.sleep(0)
