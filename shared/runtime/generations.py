"""Which generation of a projection is live, and the rebuild of the next one beside it.

The alias says which collection readers read and the worker writes. A new generation is filled from the topics by a
consumer group of its own, compared with the live one at equal versions, and switched by the alias alone.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.runtime.documents.port import Collection, Document, Documents
from shared.runtime.projecting import collection_name
from shared.runtime.projection import Projection

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two generations: documents equal at equal versions, and those (by id) that are different at equal versions, that
    have seen less in the new one, or less in the old one.
    """

    equal: int
    different: Sequence[str]
    behind: Sequence[str]
    ahead: Sequence[str]

    @property
    def agrees(self) -> bool:
        return not (self.different or self.behind or self.ahead)


class Generations:
    """The generations of the projections in one store."""

    def __init__(self, store: Documents) -> None:
        self._store = store

    async def live(self, projection: Projection[Any]) -> int:
        name = (await self._store.aliases()).get(projection.name)
        return int(name.rsplit("_g", 1)[1]) if name else 1

    async def switch(self, projection: Projection[Any], generation: int) -> None:
        """Readers that ask from now on read this generation; the old one stays until it is dropped."""
        await self._store.point(projection.name, collection_name(projection, generation))

    async def compare(self, projection: Projection[Any], *, old: int, new: int) -> Comparison:
        """Every document of both generations, byte for byte."""
        left = await self._all(projection, old)
        right = await self._all(projection, new)
        seen = {id: (_revision(left.get(id)), _revision(right.get(id))) for id in left.keys() | right.keys()}
        level = [id for id, (one, other) in seen.items() if one == other]
        different = sorted(id for id in level if not _same(left[id], right[id]))
        return Comparison(
            equal=len(level) - len(different),
            different=different,
            behind=sorted(id for id, (one, other) in seen.items() if one > other),
            ahead=sorted(id for id, (one, other) in seen.items() if one < other),
        )

    async def _all(self, projection: Projection[Any], generation: int) -> dict[str, Document]:
        collection = Collection(collection_name(projection, generation), projection.fields, projection.indexes)
        found: dict[str, Document] = {}
        after = ""
        while page := await self._store.scan(collection, after=after, limit=_PAGE):
            found.update((document.id, document) for document in page)
            after = page[-1].id
            await asyncio.sleep(0)
        return found


def _revision(document: Document | None) -> int:
    return document.revision if document else 0


def _same(left: Document, right: Document) -> bool:
    return (left.body, left.sources, left.visible) == (right.body, right.sources, right.visible)
