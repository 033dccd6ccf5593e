"""Every projection of every service, and the runtime's own: pure, and the same however its events came."""

import asyncio
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as every
from hypothesis import strategies as some

from shared.contracts.envelope import Contract
from shared.kernel import named_id
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Collection, Document, Write
from shared.runtime.json import canonical
from shared.runtime.projecting import Applier, applier
from shared.runtime.projection import Documents, Journal, Projection
from tests.support.contracts import Plain
from tests.support.deliveries import Family, Stream, arrivals, heard_by, lives, projections
from tests.support.topics import shown

BRIEFLY = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},
)


@pytest.fixture(params=sorted(projections()))
def projection(request: pytest.FixtureRequest) -> Projection[Any]:
    return projections()[request.param]


def everything(projection: Projection[Any]) -> list[Stream]:
    return [family.everything() for family in heard_by(projection)]


def test_it_hears_somebody(projection: Projection[Any]) -> None:
    assert heard_by(projection)


def test_all_events_of_an_aggregate_have_the_same_place(projection: Projection[Any]) -> None:
    for stream in everything(projection):
        places = {places_of(projection, contract) for contract in stream}
        assert len(places) == 1, stream[0].TYPE


def places_of(projection: Projection[Any], contract: Contract) -> tuple[str, ...]:
    """Of a journal: whether there is a row."""
    places = tuple(projection.where(contract.envelope))
    return ("a row",) * len(places) if isinstance(projection, Journal) else places


def test_it_leaves_what_it_is_given_as_it_was(projection: Projection[Any]) -> None:
    for given in (deepcopy(stream) for stream in everything(projection)):
        before = canonical(given)
        list(_all_that_is_made(projection, given))
        assert canonical(given) == before


def test_it_makes_the_same_of_the_same(projection: Projection[Any]) -> None:
    for stream in everything(projection):
        assert list(_all_that_is_made(projection, stream)) == list(_all_that_is_made(projection, stream))


def _all_that_is_made(projection: Projection[Any], stream: Stream) -> Iterator[bytes]:
    """Every state and every document on the way, in bytes."""
    state: Any = None
    for contract in stream:
        match projection:
            case Documents():
                kept = canonical(state)
                following = projection.fold(state, contract)
                assert canonical(state) == kept
                state = following
                states = {str(contract.envelope.subject): state}
                made = [projection.render(id, states) for id in projection.where(contract.envelope)]
                yield canonical([state, [one and one.body for one in made]])
            case Journal():
                row = projection.row(contract)
                yield canonical(row and row.body)
            case _:
                pytest.fail("neither Documents nor a Journal")


@every(some.data())
@BRIEFLY
def test_however_the_events_came_the_documents_are_those_of_a_rebuild(
    projection: Projection[Any], data: some.DataObject
) -> None:
    streams = data.draw(lives(projection))
    came = data.draw(arrivals(streams))

    assert asyncio.run(shown(projection, came)) == asyncio.run(shown(projection, streams))


def test_redelivery_is_harmless(projection: Projection[Any]) -> None:
    streams = everything(projection)
    once = asyncio.run(shown(projection, streams))
    again = asyncio.run(shown(projection, [*streams, *reversed(streams), *([one] for one in streams[0])]))

    assert again == once


async def test_behind_a_hole_nothing_is_applied_and_it_is_reported(projection: Projection[Any]) -> None:
    family = next(one for one in heard_by(projection) if len(one.publishes) > 2 or len(heard_by(projection)) == 1)
    stream = a_long_life(family)
    kept, apply = await a_store(projection)
    await apply.apply(stream[:1])
    before = await documents(kept, apply)
    holes = await apply.apply([stream[2], *stream[3:]])

    assert await documents(kept, apply) == before
    assert {(hole.source, hole.expected) for hole in holes} == {(stream[0].envelope.subject, 2)}
    assert await apply.apply(stream[1:]) == []
    assert await documents(kept, apply) == await shown(projection, [stream])


def a_long_life(family: Family) -> Stream:
    """At least four events: where there is but one, it is said again under the next version."""
    said = [*family.publishes, *[family.publishes[-1]] * 3]
    return family.stream(said[:6], Plain())


@every(some.data())
@BRIEFLY
def test_two_writers_at_once_lose_nothing(projection: Projection[Any], data: some.DataObject) -> None:
    """One of them stood still for a while with what it had read: a zombie."""
    streams = data.draw(lives(projection))
    first, second = data.draw(arrivals(streams)), data.draw(arrivals(streams))
    turns = data.draw(some.lists(some.booleans(), min_size=8, max_size=8))

    assert asyncio.run(_side_by_side(projection, first, second, turns)) == asyncio.run(shown(projection, streams))


async def _side_by_side(
    projection: Projection[Any], first: Sequence[Stream], second: Sequence[Stream], turns: Sequence[bool]
) -> dict[str, Document]:
    kept = Interrupted(turns)
    apply = applier(projection, store=kept, generation=1)
    for collection in apply.collections:
        await kept.prepare(collection)
    await asyncio.gather(*(_apply_all(apply, batches) for batches in (first, second)))
    return await documents(kept, apply)


async def _apply_all(apply: Applier, batches: Sequence[Stream]) -> None:
    for batch in batches:
        assert not await apply.apply(batch)


class Interrupted(MemoryDocuments):
    """A store that lets the other writer go on between what one reads and what it writes, at these turns."""

    def __init__(self, turns: Sequence[bool]) -> None:
        super().__init__()
        self._turns = list(turns)

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        for _ in range(3 if self._turns and self._turns.pop() else 0):
            await asyncio.sleep(0)
        return await super().write(collection, writes)


async def a_store(projection: Projection[Any]) -> tuple[MemoryDocuments, Applier]:
    kept = MemoryDocuments()
    apply = applier(projection, store=kept, generation=1)
    for collection in apply.collections:
        await kept.prepare(collection)
    return kept, apply


async def documents(store: MemoryDocuments, apply: Applier) -> dict[str, Document]:
    found = [row for one in apply.collections for row in await store.scan(one, after="", limit=10_000)]
    return {document.id: document for document in found}


def test_a_stream_is_of_one_aggregate(projection: Projection[Any]) -> None:
    for family in heard_by(projection):
        assert {one.envelope.subject for one in family.everything()} == {named_id("stream", family.name)}
