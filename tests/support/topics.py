"""What an aggregate's events look like on its service's topic, and what a projection makes of them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as some

from shared.contracts.envelope import Contract
from shared.kernel import Aggregate
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Document
from shared.runtime.projecting import applier
from shared.runtime.projection import Projection
from shared.runtime.publishing import Publisher
from shared.runtime.service import Service
from tests.support.contracts import stored


def told(
    service: Service, aggregate: Aggregate, *, patient: UUID | None = None, organization: str = "north-clinic"
) -> list[Contract]:
    """The contracts of all that the aggregate has just recorded, in order, as the relay would make them."""
    publisher = Publisher(service, epoch=1)
    facts = {"patient": patient, "organization": organization}
    return [publisher.contract(stored(event, **facts)) for event in aggregate.pending_events]


async def shown(projection: Projection[Any], batches: Iterable[Sequence[Contract]]) -> dict[str, Document]:
    """The documents that these batches make, visible or not, by id. No hole is allowed."""
    store = MemoryDocuments()
    applies = applier(projection, store=store, generation=1)
    for collection in applies.collections:
        await store.prepare(collection)
    for batch in batches:
        assert not await applies.apply(batch)
    found = [row for one in applies.collections for row in await store.scan(one, after="", limit=10_000)]
    return {document.id: document for document in found}


def deliveries(stories: Sequence[Sequence[Contract]]) -> some.SearchStrategy[list[list[Contract]]]:
    """All of these events, each story's in order, the stories mixed, any stretch again, in batches of any size."""
    return some.randoms(use_true_random=True).map(lambda chance: _delivered(stories, chance))


def _delivered(stories: Sequence[Sequence[Contract]], chance: Random) -> list[list[Contract]]:
    turns = [number for number, story in enumerate(stories) for _ in story]
    chance.shuffle(turns)
    left = [iter(story) for story in stories]
    came: list[Contract] = []
    for turn in turns:
        came.append(next(left[turn]))
        if chance.random() < 0.2:
            came += came[chance.randrange(len(came)) :]
    cuts = sorted({0, len(came), *(chance.randrange(len(came)) for _ in range(chance.randrange(8)))})
    return [came[start:end] for start, end in pairwise(cuts)]
