"""Loads that go together: everyone is answered, whoever asks when."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from shared.kernel import Unavailable, named_id
from shared.runtime.log.gathering import Gathering

A, B, C = named_id("a"), named_id("b"), named_id("c")
MAKER, OTHER = b"maker", b"other"


class Table:
    """Has a row of each aggregate, and answers when it may."""

    def __init__(self) -> None:
        self.reads: list[list[UUID]] = []
        self.may = asyncio.Event()
        self.away = False

    async def read(self, ids: Sequence[UUID], makers: Sequence[bytes]) -> Sequence[Any]:
        self.reads.append([*ids])
        await self.may.wait()
        if self.away:
            raise Unavailable
        return [{"aggregate": id, "maker": maker} for id, maker in zip(ids, makers, strict=True)]


async def test_what_is_asked_for_meanwhile_is_one_read() -> None:
    table = Table()
    gathering = Gathering(table.read)
    asked = [asyncio.create_task(gathering.rows([id], MAKER)) for id in (A, B)]
    await asyncio.sleep(0)
    table.may.set()
    assert [list(rows) for rows in await asyncio.gather(*asked)] == [[A], [B]]
    assert table.reads == [[A, B]]


async def test_an_aggregate_has_one_maker_in_a_read() -> None:
    table = Table()
    table.may.set()
    gathering = Gathering(table.read)
    one, other = await asyncio.gather(gathering.rows([A], MAKER), gathering.rows([A], OTHER))
    assert ([*one[A]], [*other[A]]) == ([{"aggregate": A, "maker": MAKER}], [{"aggregate": A, "maker": OTHER}])
    assert table.reads == [[A], [A]]


async def test_who_asks_at_the_moment_when_all_readers_end_is_answered() -> None:
    """Both reads end in one turn of the loop, and the first who hears of it asks again at once; nobody else does."""
    table = Table()
    gathering = Gathering(table.read)

    async def twice() -> None:
        await gathering.rows([A], MAKER)
        await gathering.rows([C], MAKER)

    first = asyncio.create_task(twice())
    for _ in range(3):
        await asyncio.sleep(0)
    second = asyncio.create_task(gathering.rows([B], MAKER))
    for _ in range(3):
        await asyncio.sleep(0)
    assert table.reads == [[A], [B]]
    table.may.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, second)


async def test_an_error_of_a_read_is_everybodys_and_the_next_one_is_tried() -> None:
    table = Table()
    table.may.set()
    table.away = True
    gathering = Gathering(table.read)
    found = await asyncio.gather(*(gathering.rows([id], MAKER) for id in (A, B)), return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in found)
    table.away = False
    assert list(await gathering.rows([A], MAKER)) == [A]


async def test_who_does_not_wait_any_more_keeps_nobody() -> None:
    table = Table()
    gathering = Gathering(table.read)
    gone, stays = (asyncio.create_task(gathering.rows([id], MAKER)) for id in (A, B))
    await asyncio.sleep(0)
    gone.cancel()
    table.may.set()
    assert list(await stays) == [B]
    with pytest.raises(asyncio.CancelledError):
        await gone
