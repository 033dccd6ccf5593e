"""Compares two generations of a projection: byte for byte where both have seen the same versions.

Two scans in order of id are merged, so that memory holds a page of each, however many documents there are. Both
generations may be written meanwhile: what is not the same at first sight is looked at again until both have seen what
the other had, or until patience ends.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.runtime.documents.port import Collection, Document, Documents
from shared.runtime.json import loads

_SMALLEST_PAGE, _LARGEST_PAGE = 20, 1_000
_PAGE_BYTES = 4 * 2**20
"""how much a page may hold, judged by the page before"""
_BLOCK = 500
"""documents that are looked at again together"""
_MOMENT = 0.2
_MOMENTS_A_BLOCK = 25
_NAMED = 10

_AGGREGATE = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Mend = Callable[[Sequence[str]], Awaitable[None]]
Versions = Mapping[str, int]
"""what a document has seen, by source; its revision under no name"""


@dataclass(slots=True)
class Ids:
    """How many documents, and which the first of them are."""

    count: int = 0
    some: list[str] = field(default_factory=list)

    def add(self, id: str) -> None:
        self.count += 1
        if len(self.some) < _NAMED:
            self.some.append(id)

    def __bool__(self) -> bool:
        return self.count > 0


@dataclass(slots=True)
class Comparison:
    """Two generations: documents that are equal at equal versions, those that differ there, those that have seen less
    in the new one (`behind`) or in the old one (`ahead`), and those that went on in both and were never caught at the
    same version (`moving`).
    """

    equal: int = 0
    different: Ids = field(default_factory=Ids)
    behind: Ids = field(default_factory=Ids)
    ahead: Ids = field(default_factory=Ids)
    moving: Ids = field(default_factory=Ids)

    @property
    def agrees(self) -> bool:
        return not (self.different or self.behind or self.ahead)

    @property
    def documents(self) -> int:
        return self.equal + sum(one.count for one in (self.different, self.behind, self.ahead, self.moving))


class Comparing:
    """One comparison of two collections. `moments`: how often in all it may wait for those that are not level yet.

    `mend` is given the aggregates that the new one lacks something of, before they are judged: the topics may have lost
    what their owners still have.
    """

    def __init__(
        self,
        store: Documents,
        *,
        old: Collection,
        new: Collection,
        moments: int = 150,
        mend: Mend | None = None,
        tell: Callable[[int], None] = lambda compared: None,
    ) -> None:
        self._store = store
        self._old = Collection(old.name, {})  # what they are found by follows from the rest, and may be declared anew
        self._new = Collection(new.name, {})
        self._moments = moments
        self._mend = mend
        self._tell = tell
        self._unequal: dict[str, Versions] = {}

    async def run(self, into: Comparison) -> None:
        """Adds what it finds."""
        async for id, left, right in _merged(self._scan(self._old), self._scan(self._new)):
            if left and right and _same(left, right):
                into.equal += 1
            else:
                self._unequal[id] = _most(_versions(left), _versions(right))
            if len(self._unequal) >= _BLOCK:
                await self._look_again(into)
            if not into.documents % _LARGEST_PAGE:
                self._tell(into.documents)
        await self._look_again(into)
        self._tell(into.documents)

    async def _scan(self, collection: Collection) -> AsyncIterator[Document]:
        after, limit = "", _SMALLEST_PAGE
        while page := await self._store.scan(collection, after=after, limit=limit):
            for document in page:
                yield document
            after = page[-1].id
            limit = _as_many(size=sum(len(one.body) + len(one.sources) for one in page), documents=len(page))

    async def _look_again(self, into: Comparison) -> None:
        """Returns when each of the block is judged. `wanted` is what either had seen at first: both must get there."""
        unequal, self._unequal = self._unequal, {}
        waiting = await self._given_time(unequal, into)
        if self._mend and waiting and (lacking := await self._lacking(waiting)):
            await self._mend(lacking)
        await self._judged(waiting, into, last=True)

    async def _given_time(self, waiting: Mapping[str, Versions], into: Comparison) -> Mapping[str, Versions]:
        """Those that have not become level in some moments."""
        for _ in range(_MOMENTS_A_BLOCK):
            waiting = await self._judged(waiting, into, last=False)
            if not waiting or not self._moments:
                break
            self._moments -= 1
            await asyncio.sleep(_MOMENT)
        return waiting

    async def _lacking(self, waiting: Mapping[str, Versions]) -> Sequence[str]:
        """The aggregates of which the new documents have seen less: a document's sources; the one that a journal's row
        or source is named after.
        """
        new = await self._store.read(self._new, waiting)
        found: dict[str, None] = {}
        for id, wanted in waiting.items():
            seen = _versions(new.get(id))
            found.update({source or id: None for source, version in wanted.items() if seen.get(source, 0) < version})
        return list(dict.fromkeys(named[0] for source in found if (named := _AGGREGATE.match(source))))

    async def _judged(self, waiting: Mapping[str, Versions], into: Comparison, *, last: bool) -> dict[str, Versions]:
        """Those that may still become level; none at the last look."""
        old = await self._store.read(self._old, waiting)
        new = await self._store.read(self._new, waiting)
        still: dict[str, Versions] = {}
        for id, wanted in waiting.items():
            if (one := old.get(id)) and (other := new.get(id)) and _versions(one) == _versions(other):
                if _same(one, other):
                    into.equal += 1
                else:
                    into.different.add(id)
            elif last:
                _unlevel(_versions(old.get(id)), _versions(new.get(id)), wanted, into).add(id)
            else:
                still[id] = wanted
        return still


def _unlevel(old: Versions, new: Versions, wanted: Versions, into: Comparison) -> Ids:
    """Where a document belongs that was never seen at the same versions."""
    if any(new.get(source, 0) < version for source, version in wanted.items()):
        return into.behind
    if any(old.get(source, 0) < version for source, version in wanted.items()):
        return into.ahead
    return into.moving


async def _merged(
    left: AsyncIterator[Document], right: AsyncIterator[Document]
) -> AsyncIterator[tuple[str, Document | None, Document | None]]:
    """Both in order of id: the two with the same id together, one that the other side lacks alone."""
    one, other = await anext(left, None), await anext(right, None)
    while one or other:
        if one and (other is None or one.id < other.id):
            yield one.id, one, None
            one = await anext(left, None)
        elif other and (one is None or other.id < one.id):
            yield other.id, None, other
            other = await anext(right, None)
        elif one:
            yield one.id, one, other
            one, other = await anext(left, None), await anext(right, None)


def _as_many(*, size: int, documents: int) -> int:
    return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, _PAGE_BYTES * documents // max(size, 1)))


def _versions(document: Document | None) -> Versions:
    if document is None:
        return {}
    return {"": document.revision, **{source: seen for source, (seen, _) in loads(document.sources).items()}}


def _most(one: Versions, other: Versions) -> Versions:
    return {source: max(one.get(source, 0), other.get(source, 0)) for source in one.keys() | other.keys()}


def _same(left: Document, right: Document) -> bool:
    return (left.revision, left.body, left.sources, left.visible) == (
        right.revision,
        right.body,
        right.sources,
        right.visible,
    )
