"""Two generations are compared at equal versions, in bounded memory, while both may go on."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from msgspec.structs import replace

from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Collection, Document, Write
from shared.runtime.json import canonical
from shared.runtime.rebuild import Comparing, Comparison
from shared.runtime.rebuild import comparing as module

OLD, NEW = Collection("tally_g1", {}), Collection("tally_g2", {})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOMENT", 0)


@pytest.fixture
async def store() -> "Watched":
    store = Watched()
    await store.prepare(OLD)
    await store.prepare(NEW)
    return store


class Watched(MemoryDocuments):
    """Somebody may write whenever the two are looked at again."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[tuple[Collection, Document]] = []
        self.largest = 0

    async def read(self, collection: Collection, ids: Sequence[str]) -> dict[str, Document]:  # type: ignore[override]
        if self.meanwhile:
            await self.put(*self.meanwhile.pop(0))
        return await super().read(collection, ids)

    async def scan(self, collection: Collection, *, after: str, limit: int) -> Sequence[Document]:
        self.largest = max(self.largest, limit)
        return await super().scan(collection, after=after, limit=limit)

    async def put(self, collection: Collection, *documents: Document) -> None:
        there = await super().read(collection, [one.id for one in documents])
        bases = {id: one.revision for id, one in there.items()}
        assert not await self.write(collection, [Write(one, bases.get(one.id)) for one in documents])


def document(id: str, *, says: str = "", **versions: int) -> Document:
    """One that has seen these versions of its sources."""
    return made(id, versions, says=says)


def made(id: str, versions: Mapping[str, int], *, says: str = "") -> Document:
    sources = canonical({source: (version, {}) for source, version in versions.items()})
    return Document(id=id, body=canonical({"says": says}), revision=sum(versions.values()), sources=sources)


async def compared(store: MemoryDocuments, *, moments: int = 3, **more: object) -> Comparison:
    found = Comparison()
    await Comparing(store, old=OLD, new=NEW, moments=moments, **more).run(found)  # type: ignore[arg-type]
    return found


async def test_what_is_the_same_agrees(store: Watched) -> None:
    same = [document(f"{n:04}", a=n) for n in range(1, 2_500)]
    await store.put(OLD, *same)
    await store.put(NEW, *same)
    found = await compared(store)
    assert (found.equal, found.agrees, found.documents) == (2_499, True, 2_499)


async def test_at_equal_versions_other_bytes_are_a_difference(store: Watched) -> None:
    await store.put(OLD, document("1", a=2, says="this"), document("2", a=1), document("3", a=1))
    await store.put(NEW, document("1", a=2, says="that"), document("2", a=1), document("3", a=1))
    found = await compared(store)
    assert (found.equal, found.different.count, found.different.some) == (2, 1, ["1"])


async def test_what_is_seen_by_some_only_is_a_difference(store: Watched) -> None:
    await store.put(OLD, document("1", a=2))
    await store.put(NEW, replace(document("1", a=2), visible=False))
    assert (await compared(store)).different.some == ["1"]


async def test_who_has_seen_less_is_told(store: Watched) -> None:
    await store.put(OLD, document("only old", a=1), document("more in old", a=3, b=1), document("more in new", a=1))
    await store.put(NEW, document("more in old", a=2, b=1), document("more in new", a=2), document("only new", a=1))
    found = await compared(store)
    assert sorted(found.behind.some) == ["more in old", "only old"]
    assert sorted(found.ahead.some) == ["more in new", "only new"]
    assert not found.agrees


async def test_the_same_sum_of_other_versions_is_not_taken_for_a_difference(store: Watched) -> None:
    await store.put(OLD, document("1", a=2, b=1))
    await store.put(NEW, document("1", a=1, b=2))
    found = await compared(store)
    assert (found.different.count, found.behind.some) == (0, ["1"])


async def test_one_that_comes_level_meanwhile_is_equal(store: Watched) -> None:
    await store.put(OLD, document("1", a=3))
    await store.put(NEW, document("1", a=1))
    store.meanwhile = [(NEW, document("1", a=2)), (NEW, document("1", a=3))]
    found = await compared(store)
    assert (found.equal, found.agrees) == (1, True)


async def test_one_that_goes_on_in_both_and_is_never_caught_holds_nothing_back(store: Watched) -> None:
    await store.put(OLD, document("1", a=3))
    await store.put(NEW, document("1", a=1))
    store.meanwhile = [(OLD, document("1", a=4)), (NEW, document("1", a=3))]
    found = await compared(store, moments=0)
    assert (found.moving.some, found.agrees) == (["1"], True)


async def test_what_the_new_one_lacks_is_mended_before_it_is_judged(store: Watched) -> None:
    lacking, asked = str(UUID(int=7)), list[str]()
    await store.put(OLD, made("1", {lacking: 2}))

    async def mend(sources: Sequence[str]) -> None:
        asked.extend(sources)
        await store.put(NEW, made("1", {lacking: 2}))

    found = await compared(store, mend=mend)
    assert (asked, found.equal, found.agrees) == ([lacking], 1, True)


async def test_however_many_differ_a_few_are_named(store: Watched) -> None:
    await store.put(OLD, *(document(f"{n:04}", a=1, says="this") for n in range(1_200)))
    await store.put(NEW, *(document(f"{n:04}", a=1, says="that") for n in range(1_200)))
    found = await compared(store)
    assert (found.different.count, found.different.some) == (1_200, [f"{n:04}" for n in range(10)])


async def test_large_documents_come_in_small_pages(store: Watched) -> None:
    small, large = [document(f"{n:04}", a=1) for n in range(50)], document("9", a=1, says="x" * 2**20)
    await store.put(OLD, *small)
    found = await compared(store)
    assert (found.behind.count, store.largest) == (50, 1_000)

    others = Watched()
    await others.prepare(OLD)
    await others.prepare(NEW)
    await others.put(OLD, *(replace(large, id=f"{n:04}") for n in range(50)))
    await compared(others)
    assert others.largest == 20
