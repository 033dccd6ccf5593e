"""F34: a service is ended for want of memory, and another one has no file descriptor left."""

import asyncio
import resource
from contextlib import AsyncExitStack, suppress
from urllib.parse import urlsplit

import psutil

from deploy.story.cast import NORTH_DOCTOR
from shared.runtime.workers import end
from tests.faults.drill import Drill
from tests.faults.grounds.five import Five
from tests.faults.injecting.memory import memory_limit
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

_MORE = 48 * 1024 * 1024
"""bytes that the process may take beside what it has"""
_SPARE = 6
"""file descriptors that are left"""


@row(
    "F34",
    "OOM kill, file descriptors exhausted",
    injected="a memory control group ends records under large bundles; `prlimit` and idle connections leave scheduling"
    " without file descriptors",
)
async def starved(drill: Drill) -> None:
    five = await drill.five()
    async with drill.under_load(five, heals_within=45) as oracle:
        await _out_of_descriptors(drill, five)
    async with drill.under_load(five, heals_within=45) as oracle:
        await _out_of_memory(five, oracle)


async def _out_of_memory(five: Five, oracle: Oracle) -> None:
    before = five.process("records")
    with memory_limit() as limit:
        limit.set(pid=before.pid, more=_MORE)
        sending = [asyncio.create_task(_large(oracle)) for _ in range(6)]
        try:
            if not await oracle.comes_to(lambda: not before.is_running() or before.status() == psutil.STATUS_ZOMBIE):
                raise FellShort("the process was not ended for want of memory")
        finally:
            await end(*sending)
    await asyncio.to_thread(five.process, "records")


async def _large(oracle: Oracle) -> None:
    """A bundle that is refused, when it has been read."""
    entry = {"resource": {"resourceType": "Basic", "text": {"status": "generated", "div": "x" * 2_000}}}
    body = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * 3_000}
    with suppress(Exception):
        await oracle.client.ask(NORTH_DOCTOR, "POST", "records", "/fhir", body=body, patience=5)


async def _out_of_descriptors(drill: Drill, five: Five) -> None:
    """Idle connections take all that are left. Those that are served already go on being served."""
    process = five.process("scheduling")
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    where = urlsplit(five.addresses("scheduling")[0])
    async with AsyncExitStack() as idle:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (process.num_fds() + _SPARE, most))
        try:
            for _ in range(10 * _SPARE):
                _, writer = await asyncio.open_connection(where.hostname, where.port)
                idle.callback(writer.close)
            await asyncio.sleep(drill.short_or_full(5, 60))
            drill.note(file_descriptors=process.num_fds())
        finally:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)
