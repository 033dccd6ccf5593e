"""F25: a projection is rebuilt while commands and reads come; the rebuild is killed half way and begun again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.story.cast import NORTH_DOCTOR
from shared.runtime.log import Log
from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.bulk import append_bulk
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row
from tests.integration.runtime.asking import Known


@row(
    "F25",
    "rebuild under load, killed at 50 %",
    injected="rebuilds of documents and of a journal in a process of their own; `kill -9` half way; the same command"
    " again; reads all the time",
)
async def killed_rebuild(drill: Drill) -> None:
    small = await drill.stage.small(name="rebuilt")
    await _filled(small, appends=drill.short_or_full(3, 30))
    reads = 0
    async with drill.under_load(small, clients=2, heals_within=60) as oracle:
        for projection in ("tally", "lines"):
            async with _reading(oracle) as read:
                killed_at = await _killed_half_way(small, projection)
                await oracle.more(5)
                if await _run(small, projection) != "switched":
                    raise FellShort(f"{projection} was not switched to")
                await oracle.more(5)
            drill.note(**{f"{projection}_killed_at": f"{killed_at:.0%}"})
            reads += len(read)
            if failed := [status for status in read if status != 200]:
                raise FellShort(
                    f"{len(failed)} of {len(read)} reads failed while {projection} was rebuilt: {failed[:5]}"
                )
    drill.note(reads=reads, failed_reads=0)


async def _filled(small: Small, *, appends: int) -> None:
    """Enough to be in the middle of."""
    log = Log(dsn=small.database("records"), nearness=Known())
    await log.start()
    try:
        for _ in range(appends):
            await append_bulk(log)
    finally:
        await log.stop()


async def _killed_half_way(small: Small, projection: str) -> float:
    """How far it was."""
    rebuild = await _started(small, projection)
    share = 0.0
    assert rebuild.stdout
    async for line in rebuild.stdout:
        applied, _, there = line.decode().strip().partition(" ")
        share = int(applied) / max(int(there), 1) if there else 1.0
        if share >= 0.5:
            rebuild.kill()
            break
    await rebuild.wait()
    return share


async def _run(small: Small, projection: str) -> str:
    """Its last word."""
    rebuild = await _started(small, projection)
    async with asyncio.timeout(300):
        said, _ = await rebuild.communicate()
    return said.decode().strip().rsplit("\n", 1)[-1]


async def _started(small: Small, projection: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.grounds.rebuilding", projection,
        env=small.environment("all"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=2**20,
    )  # fmt: skip


@asynccontextmanager
async def _reading(oracle: Oracle) -> AsyncIterator[list[int]]:
    """Counters that are known are read, one after another: the statuses of the answers."""
    read: list[int] = []
    task = asyncio.create_task(_read(oracle, read))
    try:
        yield read
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _read(oracle: Oracle, read: list[int]) -> None:
    shown: list[str] = []
    while True:
        for id in list(oracle.known.get("counters", ()))[-20:]:
            answer = await oracle.client.ask(NORTH_DOCTOR, "GET", "records", f"/counters/{id}")
            if answer.status == 200 and id not in shown:
                shown.append(id)
            elif id in shown:  # what was shown once must not go away; what is new may not be there yet
                read.append(answer.status)
        await asyncio.sleep(0.01)
