"""F04: the relay at work is frozen, another one takes over, and the first wakes up and believes that nothing was."""

import asyncio
import signal
from time import monotonic

import asyncpg

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

PROCESSES = ("api", "relay", "relay-2", "worker")
_TAKEN_OVER_WITHIN = 5.0
_SLACK = 2.0
"""seconds for a machine that has more to do than this"""


@row(
    "F04",
    "two relays; a paused one wakes",
    injected="two relay processes; SIGSTOP of the one that holds the lease, SIGCONT after the other took over",
)
async def two_relays(drill: Drill) -> None:
    small = await drill.stage.small(name="two-relays", processes=PROCESSES)
    times, asleep = drill.short_or_full((2, 10), (10, 40))
    async with drill.under_load(small, clients=8, heals_within=30) as oracle:
        taken = [await _frozen(small, oracle, asleep=asleep) for _ in range(times)]
    drill.note(freezes=len(taken), longest_takeover=f"{max(taken):.1f} s", said_again=oracle.topics.repeats)
    if max(taken) > _TAKEN_OVER_WITHIN + _SLACK:
        raise FellShort(f"nobody took over for {max(taken):.1f} s")


async def _frozen(small: Small, oracle: Oracle, *, asleep: float) -> float:
    """The relay at work sleeps while commands come; the seconds until another published."""
    began, held = monotonic(), await _holder(small)
    frozen = await _at_work(small)
    small.process(frozen).send_signal(signal.SIGSTOP)
    try:
        while (now := await _holder(small)) == held or now is None:
            if monotonic() - began > 60:
                raise FellShort("nobody took the lease over in a minute")
            await asyncio.sleep(0.05)
        taken = monotonic() - began
        await oracle.more(20)
        await asyncio.sleep(max(0.0, asleep - (monotonic() - began)))
    finally:
        small.process(frozen).send_signal(signal.SIGCONT)
    await oracle.more(20)
    return taken


async def _holder(small: Small) -> object:
    connection = await asyncpg.connect(small.database("records"))
    try:
        return await connection.fetchval("SELECT holder FROM relay")
    finally:
        await connection.close()


async def _at_work(small: Small) -> str:
    """Which of the two processes says that it is."""
    for _ in range(200):
        for name in ("relay", "relay-2"):
            if "carelog_relay_active" in (said := await small.metrics(name)) and _active(said):
                return name
        await asyncio.sleep(0.05)
    raise FellShort("no relay says that it is at work")


def _active(metrics: str) -> bool:
    return any(line.startswith("carelog_relay_active") and line.endswith(" 1.0") for line in metrics.splitlines())
