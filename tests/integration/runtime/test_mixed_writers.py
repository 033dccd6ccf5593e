"""Bulk imports beside single commands, and a reader that follows by position: it sees everything once, in order.

The library's own fast mode (`POSTGRES_ENABLE_DB_FUNCTIONS`) lost up to 6 % of the events to such readers. Our log does
not use it; the mix is here so that nothing like it comes back.
"""

import asyncio
from typing import Any

import pytest

from shared.runtime.log import Log, Unit
from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import counted, mandate, opened_in
from tests.support.counter import Counter

BULK, BULKS, SINGLES = 3_000, 2, 120
ALL = 2 * BULK * BULKS + 2 * (1 + SINGLES)


async def bulk(log: Log) -> None:
    """One append of thousands."""

    async def decide(unit: Unit) -> Any:
        for _ in range(BULK):
            unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at))
            await unit.breathe()

    for _ in range(BULKS):
        await log.run(mandate(), decide)


async def singles(log: Log) -> None:
    id = await opened_in(log, limit=SINGLES)
    for _ in range(SINGLES):
        await counted(log, id)


async def follow(log: Log, *, limit: int) -> list[int]:
    """What a relay would see: the positions after the last it saw, again and again."""
    seen: list[int] = []
    async with asyncio.timeout(100):
        while len(seen) < ALL:
            seen += [one.position for one in await log.after(seen[-1] if seen else 0, limit=limit)]
            await asyncio.sleep(0)
    return seen


async def test_a_reader_that_follows_sees_every_position_once_in_order(
    log: Log, other: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "yes")
    writers = [write(one) for write in (bulk, singles) for one in (log, other)]
    first, second, *_ = await asyncio.gather(follow(log, limit=50), follow(other, limit=1_000), *writers)

    assert first == second == list(range(1, ALL + 1))


async def test_a_batch_is_never_seen_in_part(log: Log, other: Log) -> None:
    """Whoever looks sees all of an append's events, or none."""
    written = asyncio.create_task(bulk(log))
    heads = set()
    while not written.done():
        heads.add(await other.head())
        await asyncio.sleep(0)
    await written

    assert heads <= {0, BULK, 2 * BULK}


async def test_events_of_a_batch_stand_together(log: Log, other: Log) -> None:
    await asyncio.gather(bulk(log), singles(other))
    commands = [one.command for one in await log.after(0, limit=ALL)]
    starts = [command for command, before in zip(commands, [None, *commands], strict=False) if command != before]

    assert len(starts) == len(set(starts)) == BULKS + 1 + SINGLES
