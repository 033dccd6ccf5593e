"""Reading documents: in the caller's scope, page after page, and never before the version that was asked for."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.envelope import Contract
from shared.kernel import Actor, Denied, Invalid, NotFound, OrganizationId, Unavailable
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Order
from shared.runtime.nearness import Heard
from shared.runtime.projecting import Applier, applier
from shared.runtime.reading import Awaits, Reader, Shelf
from tests.support.counters import CounterCounted, CounterOpened, Tally
from tests.support.running import said

NORTH, HEART = OrganizationId("north"), OrganizationId("heart")
ANN, BOB = UUID(int=10), UUID(int=11)


class Near:
    """Heart Centre is near to Ann."""

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return (organization, patient) == (HEART, ANN)

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return [str(ANN)] if organization == HEART else []

    async def heard(self, aggregate: UUID) -> Heard | None:
        return None


class Library:
    """Counters on a shelf: each of a patient and an organisation."""

    def __init__(self) -> None:
        self.store = MemoryDocuments()
        self.applies: Applier = applier(Tally(), store=self.store, generation=1)
        shelf = Shelf(store=self.store)
        self.reader = Reader(shelf=shelf, nearness=Near(), awaits=Awaits(shelf=shelf, places=self._places, limit=0.05))

    async def _places(self, projection: object, aggregate: UUID, version: int) -> Any:
        return self.applies.collections[0], [str(aggregate)]

    async def put(self, number: int, *, patient: UUID | None, organization: str = NORTH, counts: int = 0) -> None:
        facts: list[Contract] = [CounterOpened(limit=9), *(CounterCounted(by=1) for _ in range(counts))]
        await self.applies.apply(
            [
                said(one, subject=UUID(int=number), organization=organization, patient=patient, version=n)
                for n, one in enumerate(facts, 1)
            ]
        )

    async def found(self, actor: Actor, **more: Any) -> list[int]:
        page = await self.reader.find(Tally, actor=actor, action="clinical.read", **more)
        return [UUID(one["id"]).int for one in page.items]


@pytest.fixture
async def library() -> Library:
    made = Library()
    await made.store.prepare(made.applies.collections[0])
    await made.put(1, patient=ANN)
    await made.put(2, patient=BOB)
    await made.put(3, patient=BOB, organization=HEART)
    await made.put(4, patient=None)
    return made


def of(organization: OrganizationId, role: Any = "clinician") -> Actor:
    return Actor(subject="someone", role=role, organization=organization)


async def test_a_search_spans_what_the_organisation_holds_and_the_patients_it_is_near_to(library: Library) -> None:
    assert await library.found(of(NORTH)) == [1, 2, 4]
    assert await library.found(of(HEART)) == [1, 3]
    assert await library.found(of(OrganizationId("south"))) == []


async def test_a_search_of_one_patient_shows_all_to_who_is_near_and_its_own_to_others(library: Library) -> None:
    assert await library.found(of(HEART), patient=ANN) == [1]
    assert await library.found(of(HEART), patient=BOB) == [3]
    assert await library.found(of(NORTH), patient=BOB) == [2]


async def test_a_count_is_of_what_can_be_found(library: Library) -> None:
    counts = [await library.reader.count(Tally, actor=of(who), action="clinical.read") for who in (NORTH, HEART)]

    assert counts == [3, 2]


async def test_a_foreign_document_is_missing(library: Library) -> None:
    async def get(id: int) -> Any:
        return await library.reader.get(Tally, str(UUID(int=id)), actor=of(HEART), action="clinical.read")

    assert (await get(1))["total"] == 0
    for id in (2, 4, 99):
        with pytest.raises(NotFound):
            await get(id)


async def test_a_role_that_may_not_read_is_denied_before_anything_is_looked_for(library: Library) -> None:
    with pytest.raises(Denied):
        await library.found(of(NORTH, "scheduler"))


@pytest.mark.parametrize("order", [None, Order("organization"), Order("organization", descending=True)])
async def test_page_after_page_everything_comes_once(library: Library, order: Order | None) -> None:
    whole = await library.found(of(HEART), order=order)
    pages: list[int] = []
    cursor: str | None = None
    for _ in range(len(whole)):
        page = await library.reader.find(
            Tally, actor=of(HEART), action="clinical.read", order=order, limit=1, cursor=cursor
        )
        pages += [UUID(one["id"]).int for one in page.items]
        cursor = page.next

    assert (pages, cursor) == (whole, None)


async def test_a_cursor_widens_nobodys_scope(library: Library) -> None:
    page = await library.reader.find(Tally, actor=of(NORTH), action="clinical.read", limit=1)

    assert await library.found(of(HEART), cursor=page.next) == [3]


@pytest.mark.parametrize("cursor", ["x", "e30", "bnVsbA", "WzFd", "IiI", "WyJ0IiwiMSIsIm5vIl0x", "\u00fc", "a" * 9_999])
async def test_a_cursor_that_no_list_has_given_is_refused(library: Library, cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        await library.found(of(NORTH), cursor=cursor)

    assert [one.name for one in refused.value.fields] == ["cursor"]


async def test_a_read_waits_for_every_version_that_it_asks_for(library: Library) -> None:
    await library.put(1, patient=ANN, counts=2)
    versions: Sequence[tuple[UUID, int]] = [(UUID(int=1), 3), (UUID(int=2), 1)]

    assert await library.found(of(NORTH), wait_for=versions) == [1, 2, 4]
    with pytest.raises(Unavailable):
        await library.found(of(NORTH), wait_for=[*versions, (UUID(int=2), 2)])


async def test_the_live_generation_is_read(library: Library) -> None:
    second = applier(Tally(), store=library.store, generation=2)
    await library.store.prepare(second.collections[0])
    await second.apply([said(CounterOpened(limit=1), subject=UUID(int=7), organization=NORTH, patient=None)])
    await library.store.point("tally", "tally_g2")

    assert await library.found(of(NORTH)) == [7]
