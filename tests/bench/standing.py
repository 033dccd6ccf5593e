"""Start-up and idle memory of the embedded mode."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from shared.contracts.catalogue import SERVICES
from tests.bench.bench import Bench, Case
from tests.bench.report import Asked, Row
from tests.bench.system import embedded, resident

_SETTLED_AFTER = 10.0

START = Asked(case="start", figure="five services, broker, PostgreSQL, on an empty home", unit="s", at_most=20)
IDLE = tuple(Asked(case="idle memory", figure=name, unit="MiB", at_most=120, timed=False) for name in SERVICES)


async def standing(bench: Bench) -> AsyncIterator[Row]:
    """Seconds until all five are ready on an empty home, then what each process holds when nothing happens."""
    began = monotonic()
    async with embedded() as (_, running):
        yield START.alone(monotonic() - began)
        await asyncio.sleep(_SETTLED_AFTER)
        for asked in IDLE:
            yield asked.alone(resident(running.children[asked.figure].pid))


STANDING = Case(name="standing", asks=(START, *IDLE), measure=standing)
