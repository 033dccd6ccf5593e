"""F20 and F21: members of the consumer groups come and go; one is frozen for longer than its session lasts."""

import asyncio
import signal

from tests.faults.drill import Drill
from tests.faults.row import row

PROCESSES = ("api", "relay", "worker", "worker-2")


@row(
    "F20",
    "rebalance storm",
    injected="a second worker process is started and stopped every 5 s, by turns politely and by `kill -9`",
)
async def rebalances(drill: Drill) -> None:
    small = await drill.stage.small(name="workers", processes=PROCESSES[:3])
    rounds = drill.short_or_full(4, 24)
    async with drill.under_load(small, clients=4, heals_within=90) as oracle:
        for n in range(rounds):
            await small.run("worker-2")
            await asyncio.sleep(2.5)
            if n % 2:
                small.process("worker-2").kill()
            await small.end("worker-2")
            await oracle.more(5)
    drill.note(members_that_came_and_went=rounds)


@row(
    "F21",
    "consumer frozen beyond its session",
    injected="SIGSTOP of one of two workers for 55 s, then SIGCONT: it wakes with messages that are another's by then",
)
async def frozen_consumer(drill: Drill) -> None:
    small = await drill.stage.small(name="frozen", processes=PROCESSES)
    async with drill.under_load(small, clients=2, heals_within=120) as oracle:
        for _ in range(drill.short_or_full(1, 4)):
            frozen = small.process("worker")
            frozen.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(55)
            finally:
                frozen.send_signal(signal.SIGCONT)
            await oracle.more(20)
    drill.note(freezes=drill.short_or_full(1, 4))
