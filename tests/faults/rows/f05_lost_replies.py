"""F05: the database has committed, and the reply never arrives."""

from collections.abc import AsyncIterator

import asyncpg

from tests.faults.drill import Drill
from tests.faults.row import FellShort, row
from tests.support.proxy import Proxy, Way, postgres_behind, postgres_through

_APPEND = 600
"""bytes: what is said to the database in one piece of this length or more is an append"""


class AppendWatch(Way):
    """What is said to the database. Armed, the answer to the next append is lost, with every connection."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy
        self.armed = False

    async def take(self, chunk: bytes) -> AsyncIterator[tuple[bytes, bool]]:
        if self.armed and len(chunk) >= _APPEND:
            self.armed = False
            self._proxy.cut_after(0)
        async for taken in super().take(chunk):
            yield taken


@row(
    "F05",
    "reply to COMMIT lost",
    injected="a TCP proxy that hands an append on and resets every connection in place of its answer",
)
async def lost_replies(drill: Drill) -> None:
    small = await drill.small()
    async with Proxy(to=postgres_behind(small.database("records"))) as proxy:
        proxy.up = watch = AppendWatch(proxy)
        await small.renew("all", told={"CARELOG_POSTGRES": postgres_through(small.database("records"), proxy)})
        try:
            async with drill.under_load(small, clients=8, heals_within=30) as oracle:
                cuts = drill.short_or_full(20, 200)
                for _ in range(cuts):
                    watch.armed = True
                    await oracle.more(3)
            drill.note(replies_lost=cuts, answered_with_503=oracle.client.trouble.later)
            await _every_commit_was_answered_as_such(drill, small.database("records"))
        finally:
            await small.renew("all")


async def _every_commit_was_answered_as_such(drill: Drill, database: str) -> None:
    """No key of ours stands in the log that its caller was told nothing good about."""
    connection = await asyncpg.connect(database)
    try:
        done = {row[0] for row in await connection.fetch("SELECT command FROM commands WHERE outcome = 'done'")}
    finally:
        await connection.close()
    for oracle in drill.oracles:
        refused = [id for id, one in oracle.commands.items() if one.answer and not one.answer.fine and id in done]
        if refused:
            raise FellShort(f"{len(refused)} commands were carried out and answered as if not")
