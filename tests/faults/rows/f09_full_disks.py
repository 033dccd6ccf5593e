"""F09: the disk of the database is full, then the broker's; both are freed again."""

import asyncio

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.disks import SmallDisk, small_disk
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

_STORE_MB, _BROKER_MB = 300, 220


@row(
    "F09",
    "disk full, store and broker",
    injected="the data of PostgreSQL and of Kafka lie on small file systems in memory, which are filled and freed",
    needs=("mount",),
)
async def full_disks(drill: Drill) -> None:
    folder = drill.stage.new_folder()
    with (
        small_disk(folder / "store", megabytes=_STORE_MB) as store,
        small_disk(folder / "broker", megabytes=_BROKER_MB) as broker,
    ):
        small = Small(folder=folder, postgres_home=store.path / "postgres", broker_home=broker.path)
        try:
            await small.start()
            drill.stage.borrow(small)
            await _store(drill, small, store)
            await _broker(drill, small, broker)
        finally:
            await small.stop()


async def _store(drill: Drill, small: Small, disk: SmallDisk) -> None:
    """Commands are told to come later, and are done when there is room again."""
    async with small.keeping_postgres(), drill.under_load(small, heals_within=60) as oracle:
        # Again and again: the database gives room back when it lets go of old files.
        if not await oracle.comes_to(lambda: disk.fill() >= 0 and oracle.client.trouble.later > 3):
            raise FellShort(f"a full disk was noticed by nobody: {oracle.client.trouble}")
        await asyncio.to_thread(disk.free)


async def _broker(drill: Drill, small: Small, disk: SmallDisk) -> None:
    """Commands go on. A Kafka that cannot write ends itself; whoever keeps it starts it again."""
    async with drill.under_load(small, heals_within=90) as oracle:
        await asyncio.to_thread(disk.fill)
        await oracle.more(drill.short_or_full(300, 3_000), within=drill.short_or_full(60, 600))
        drill.note(kafka_ended=small.kafka_engine is not None and small.kafka_engine.pid is None)
        await asyncio.to_thread(disk.free)
        await _started_again(small, oracle)


async def _started_again(small: Small, oracle: Oracle) -> None:
    if small.kafka_engine:
        await asyncio.to_thread(small.kafka_engine.start)
