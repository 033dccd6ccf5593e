"""Start-up and idle memory of the embedded mode."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from shared.contracts.catalogue import SERVICES
from tests.bench.report import Figure
from tests.bench.system import embedded, load_a_core, resident

_SETTLED_AFTER = 10.0


async def standing() -> AsyncIterator[Figure]:
    """Seconds until all five are ready on an empty home, then what each process holds when nothing happens."""
    began = monotonic()
    async with embedded() as (_, running):
        seconds = monotonic() - began
        yield Figure(
            case="start", figure="five services, broker, PostgreSQL, on an empty home",
            measured=seconds, unit="s", wanted="< 20 s", load=load_a_core(),
        )  # fmt: skip
        await asyncio.sleep(_SETTLED_AFTER)
        for name in SERVICES:
            memory = resident(running.children[name].pid)
            yield Figure(case="idle memory", figure=name, measured=memory, unit="MiB", wanted="<= 120 MiB")
