"""F13, F14 and F15: the broker is down; it is there and hears nothing; it hears, and nobody hears its answers."""

import asyncio
from contextlib import AbstractAsyncContextManager

from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.injecting.packets import vanishing
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, NotHere, row
from tests.support.engines.native import NativeEngine


@row("F13", "broker down", injected="`kill -9` of Kafka; it is started again after 20 s (long form: 5 min)")
async def broker_down(drill: Drill) -> None:
    small = await drill.small()
    kafka = _kafka(small)
    async with drill.under_load(small, heals_within=drill.short_or_full(60, 600)) as oracle:
        await asyncio.to_thread(kafka.kill)
        try:
            await _commands_go_on(drill, oracle, seconds=drill.short_or_full(20, 300))
        finally:
            await asyncio.to_thread(kafka.start)


@row(
    "F14",
    "broker black-holed",
    injected="nftables drops every packet to Kafka's port, without a reset, for 20 s (long form: 2 min)",
    needs=("nft",),
)
async def black_hole(drill: Drill) -> None:
    small = await drill.small()
    await _without_packets(drill, small, vanishing(_port(small), way="to"))


@row(
    "F15",
    "replies lost one way",
    injected="nftables drops every packet that comes from Kafka's port: it hears all, and nobody hears it",
    needs=("nft",),
)
async def one_way(drill: Drill) -> None:
    small = await drill.small()
    await _without_packets(drill, small, vanishing(_port(small), way="from"))


async def _without_packets(drill: Drill, small: Small, lost: AbstractAsyncContextManager[None]) -> None:
    async with drill.under_load(small, heals_within=90) as oracle, lost:
        await _commands_go_on(drill, oracle, seconds=drill.short_or_full(20, 120))


async def _commands_go_on(drill: Drill, oracle: Oracle, *, seconds: float) -> None:
    """Kafka is not on the way of a command: every one of them is taken meanwhile."""
    before, later = oracle.counts.acknowledged, oracle.client.trouble.later
    await asyncio.sleep(seconds)
    drill.note(acknowledged_meanwhile=oracle.counts.acknowledged - before)
    if oracle.client.trouble.later != later or oracle.counts.acknowledged == before:
        raise FellShort(f"{oracle.client.trouble.later - later} commands were told to come later without a broker")


def _kafka(small: Small) -> NativeEngine:
    if small.kafka_engine is None:
        raise NotHere("no Apache Kafka of our own")
    return small.kafka_engine


def _port(small: Small) -> int:
    return int(_kafka(small).address.rsplit(":", 1)[1])
