"""F18: the line to the database is slow, breaks in the middle of a frame, and turns bits over."""

import asyncio

from tests.faults.drill import Drill
from tests.faults.row import row
from tests.support.proxy import Proxy, postgres_behind, postgres_through


@row(
    "F18",
    "delay, cut mid-frame, byte flip",
    injected="a TCP proxy before PostgreSQL: 50 ms each way, then resets in the middle of frames, then turned bytes in"
    " the lengths of answers",
)
async def bad_lines(drill: Drill) -> None:
    small = await drill.small()
    times = drill.short_or_full(10, 100)
    async with Proxy(to=postgres_behind(small.database("records"))) as proxy:
        await small.renew("all", told={"CARELOG_POSTGRES": postgres_through(small.database("records"), proxy)})
        try:
            async with drill.under_load(small, clients=8, heals_within=60) as oracle:
                proxy.up.delay = proxy.down.delay = 0.05
                await oracle.more(times * 2)
                proxy.heal()
                for n in range(times):
                    way = proxy.up if n % 2 else proxy.down
                    way.cut_in(drill.random.randrange(1, 400))
                    await oracle.more(5)
                for _ in range(times):
                    # Of an answer: what the service asks for stays what it meant. A changed question is not a fault
                    # that any checksum of PostgreSQL's protocol would show; TLS does, and production has it.
                    proxy.down.flip_in(1)
                    await oracle.more(3)
                    await asyncio.sleep(0)
                proxy.heal()
            drill.note(cut=times, turned=times, told_to_come_later=oracle.client.trouble.later)
        finally:
            await small.renew("all")
