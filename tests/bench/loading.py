"""Loads one aggregate in a process that has just begun, as a pod does after its start.

`python -m tests.bench.loading <database> <aggregate>` is that process: it prints the seconds that its first load took.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from time import perf_counter
from uuid import UUID

import uvloop

from shared.runtime.log import Log, Unit
from shared.runtime.mandate import fresh_id
from tests.bench.bench import Bench, Case, our_own
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import a_log
from tests.support.counter import Counter, mandate

_SHORT, _LONG = 10, 1_000
_AT_ONCE = 10
"""events of one command"""

LOAD = Asked(case="load", figure="an aggregate of 1,000 events in a cold process, to one of 10", at_most=3)


async def loading(bench: Bench) -> AsyncIterator[Row]:
    """Both were written by commands, ten events each; every load has a process of its own."""
    async with bench.database() as dsn:
        async with a_log(dsn) as log:
            short, long = [await _written(log, events) for events in (_SHORT, _LONG)]
        ours, reference = await interleaved(
            2 * bench.scale.rounds, partial(_seconds, dsn, long), partial(_seconds, dsn, short)
        )
    both = [[second * 1_000 for second in side] for side in (ours, reference)]
    yield LOAD.against(ours=both[0], reference=both[1], unit="ms")


async def first_load(dsn: str, id: UUID) -> float:
    """The seconds that it takes; the log is open."""

    async def decide(unit: Unit) -> None:
        await unit.load(Counter, id, action="directory.write")

    async with a_log(dsn) as log:
        began = perf_counter()
        await log.run(mandate(), decide, target=id)
        return perf_counter() - began


async def _written(log: Log, events: int) -> UUID:
    id = fresh_id()

    async def begin(unit: Unit) -> None:
        unit.add(Counter.open(id=id, at=mandate().at))

    async def count(unit: Unit) -> None:
        counter = await unit.load(Counter, id)
        for _ in range(min(_AT_ONCE, events - counter.version)):
            counter.count(at=mandate().at)

    await log.run(mandate(), begin, target=id)
    for _ in range(1, events, _AT_ONCE):
        await log.run(mandate(), count, target=id)
    return id


async def _seconds(dsn: str, id: UUID) -> float:
    line = our_own("tests.bench.loading", dsn, str(id))
    process = await asyncio.create_subprocess_exec(*line, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("a process could not load the aggregate")
    return float(said)


LOADING = Case(name="load", asks=(LOAD,), measure=loading)

if __name__ == "__main__":
    print(uvloop.run(first_load(sys.argv[1], UUID(sys.argv[2]))))
