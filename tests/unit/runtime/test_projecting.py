"""Applying contracts to documents: races are read and folded again, holes are reported whatever else happens."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest

from shared.contracts.envelope import Contract
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Collection, Document, Write
from shared.runtime.projecting import Applier, Hole, applier
from shared.runtime.projection import Projection, Shown
from tests.support.counters import Count, CounterCounted, CounterOpened, Lines, Tally
from tests.support.running import said
from tests.unit.records.known import ANN, BOB

BOTH = pytest.mark.parametrize("projection", [Tally(), Lines()], ids=lambda one: one.name)


def stream(subject: Any = ANN, *, length: int = 4) -> list[Contract]:
    """A counter that is opened, and counted to its end."""
    facts = [CounterOpened(limit=9), *(CounterCounted(by=1) for _ in range(length - 1))]
    return [said(one, subject=subject, organization="north", patient=None, version=n) for n, one in enumerate(facts, 1)]


async def a_store(projection: Projection[Any], store: MemoryDocuments) -> Applier:
    applies = applier(projection, store=store, generation=1)
    for collection in applies.collections:
        await store.prepare(collection)
    return applies


async def everything(applies: Applier, store: MemoryDocuments) -> list[Document]:
    return [one for each in applies.collections for one in await store.scan(each, after="", limit=100)]


class Contended(MemoryDocuments):
    """A store in which another writer comes first, once, with what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Sequence[Contract] = ()
        self.applies: Applier | None = None

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        if self.other and self.applies:
            other, self.other = self.other, ()
            await self.applies.apply(other)
        return await super().write(collection, writes)


@BOTH
async def test_a_race_that_was_lost_is_run_again(projection: Projection[Any]) -> None:
    store, alone = Contended(), MemoryDocuments()
    store.applies = await a_store(projection, store)
    store.other = stream()[:2]

    assert await store.applies.apply(stream()) == []
    expected = await a_store(projection, alone)
    await expected.apply(stream())
    assert await everything(store.applies, store) == await everything(expected, alone)


@BOTH
async def test_a_hole_is_reported_although_another_document_lost_its_race(projection: Projection[Any]) -> None:
    store = Contended()
    store.applies = await a_store(projection, store)
    store.other = stream(BOB)[:2]

    holes = await store.applies.apply([stream(ANN)[1], *stream(BOB)])

    assert list(holes) == [Hole(str(ANN), ANN, 1, 2)]


@BOTH
async def test_a_hole_that_another_writer_has_filled_meanwhile_is_none(projection: Projection[Any]) -> None:
    store = Contended()
    store.applies = await a_store(projection, store)
    await store.applies.apply(stream()[:1])
    store.other = stream()[1:3]

    assert await store.applies.apply([stream()[1], stream()[3]]) == []


@BOTH
@pytest.mark.parametrize("missing", [gone for n in (1, 2, 3) for gone in combinations(range(4), n)])
async def test_what_stands_before_the_first_hole_is_applied_and_nothing_else(
    projection: Projection[Any], missing: tuple[int, ...]
) -> None:
    store, alone = MemoryDocuments(), MemoryDocuments()
    applies, expected = await a_store(projection, store), await a_store(projection, alone)
    came = [one for n, one in enumerate(stream()) if n not in missing]
    holes = await applies.apply(came)
    await expected.apply(stream()[: missing[0]])

    assert await everything(applies, store) == await everything(expected, alone)
    assert {(hole.expected, hole.got) for hole in holes} == {
        (missing[0] + 1, one.envelope.sequence) for one in came if one.envelope.sequence > missing[0] + 1
    }


async def test_a_row_is_there_before_its_source_says_so() -> None:
    """Cut off between the two, the rows are written again and are the same rows."""
    store = MemoryDocuments()
    applies = await a_store(Lines(), store)
    rows, sources = applies.collections
    await applies.apply(stream())
    before = await everything(applies, store)
    await store.drop(sources.name)
    await store.prepare(sources)

    assert await applies.apply(stream()) == []
    assert await everything(applies, store) == before
    assert len(await store.scan(rows, after="", limit=100)) == 4


class Shy(Tally):
    """Not to be seen any more once it has been counted."""

    def render(self, id: str, states: Mapping[str, Count]) -> Shown | None:
        return None if states[id].total else super().render(id, states)


async def test_what_is_not_to_be_seen_any_more_is_known_all_the_same() -> None:
    """Deleted, it would begin anew with the next event, or come back with an old one that comes again."""
    store = MemoryDocuments()
    applies = await a_store(Shy(), store)
    for contracts in (stream()[:1], stream(), stream()[:1]):
        assert not await applies.apply(contracts)

    assert [(one.revision, one.visible) for one in await everything(applies, store)] == [(4, False)]
