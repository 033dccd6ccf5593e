"""The read models as they are, compared with what the mirror folded: first what they have seen, then their bytes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from shared.runtime.documents.port import Collection, Document, Documents
from shared.runtime.generations import Generations
from shared.runtime.projecting import collection_name
from shared.runtime.projection import Journal, Projection
from shared.runtime.relations import Relations
from tests.faults.grounds.ground import Ground
from tests.faults.oracle.mirror import Mirror

_PAGE = 1_000
_NAMED = 3
"""documents that a difference names"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One projection's documents that have not seen what they should, and those that have and say something else."""

    where: str
    behind: tuple[str, ...]
    wrong: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.behind or self.wrong)

    def __str__(self) -> str:
        said = [
            f"{len(ids)} {what} ({', '.join(ids[:_NAMED])})"
            for what, ids in (("have not seen all", self.behind), ("differ", self.wrong))
            if ids
        ]
        return f"{self.where}: {' and '.join(said)}"


async def differences(ground: Ground, mirror: Mirror) -> list[Difference]:
    """Of every projection of every service, its live generation against the mirror's."""
    found = []
    for service, several in mirror.shown.items():
        for projection in several:
            async with shelf(ground, service, projection) as store:
                found += [one async for one in _of(service, projection, mirror.stores[service], store) if one]
    return found


@asynccontextmanager
async def shelf(ground: Ground, service: str, projection: Projection[Any]) -> AsyncIterator[Documents]:
    """The store of a projection: care relationships are beside the log in every mode."""
    store = await (ground.beside(service) if isinstance(projection, Relations) else ground.documents(service))
    try:
        yield store
    finally:
        await store.close()


async def _of(service: str, projection: Projection[Any], wanted: Documents, store: Documents) -> Any:
    live = await Generations(store).live(projection)
    for ours, theirs in zip(_collections(projection, 1), _collections(projection, live), strict=True):
        yield _compared(f"{service}.{theirs.name}", await everything(wanted, ours), await everything(store, theirs))


def _collections(projection: Projection[Any], generation: int) -> Iterator[Collection]:
    name = collection_name(projection, generation)
    yield Collection(name, projection.fields, projection.indexes)
    if isinstance(projection, Journal):
        yield Collection(f"{name}_sources", {})


def _compared(where: str, wanted: Mapping[str, Document], there: Mapping[str, Document]) -> Difference:
    ids = sorted(wanted.keys() | there.keys())
    behind = tuple(id for id in ids if _seen(wanted.get(id)) != _seen(there.get(id)))
    level = sorted(set(ids) - set(behind))
    wrong = tuple(id for id in level if not _same(wanted[id], there[id]))
    return Difference(where, behind, wrong)


def _seen(document: Document | None) -> int:
    return document.revision if document else 0


def _same(left: Document, right: Document) -> bool:
    return (left.body, left.sources, left.visible) == (right.body, right.sources, right.visible)


async def everything(store: Documents, collection: Collection) -> dict[str, Document]:
    """All documents of a collection."""
    found: dict[str, Document] = {}
    after = ""
    while page := await store.scan(collection, after=after, limit=_PAGE):
        found.update((document.id, document) for document in page)
        after = page[-1].id
    return found
