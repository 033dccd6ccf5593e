"""F08: every flush of the disk takes long, for the database and for the broker."""

import psutil

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.calls import injected
from tests.faults.row import row

_DELAY = 200_000
"""microseconds"""


@row(
    "F08",
    "slow disk, store and broker",
    injected="strace: each `fdatasync` and `fsync` of PostgreSQL and of the (development) broker takes 200 ms longer",
    needs=("strace",),
)
async def slow_disk(drill: Drill) -> None:
    small = await drill.stage.small(name="slow", small=Small(folder=drill.stage.new_folder(), apache=False))
    async with drill.under_load(small, clients=16, heals_within=30) as oracle:
        usual = await oracle.more(100)
        pids = [one.pid for one in (*_family(small.postmaster), small.process("broker"))]
        async with injected(pids, calls="fdatasync,fsync", what=f"delay_enter={_DELAY}", children=True):
            slow = await oracle.more(drill.short_or_full(100, 2_000), within=drill.short_or_full(60, 600))
    drill.note(hundred_commands_before=f"{usual:.1f} s", meanwhile=f"{slow / drill.short_or_full(1, 20):.1f} s")


def _family(first: psutil.Process) -> list[psutil.Process]:
    return [first, *first.children(recursive=True)]
