"""Commands that wait for their batch: so many and no more, and those that have lost already are told at once."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from shared.kernel import Unavailable
from shared.runtime.log.rows import Append
from shared.runtime.log.writing import Appended, Conflict, Duplicate

Answer = Appended | Duplicate

_EVENTS_AT_ONCE = 4_000
_LARGE = 500
"""events of a command that goes alone, so that it never makes small ones wait for more than one of its kind"""
_WEIGHED = 100
"""events that weigh as much as one command more"""
_REMEMBERED = 20_000


class Overloaded(Unavailable):
    """More is asked than can be written, so nothing was done: try again in a second."""


@dataclass(slots=True, eq=False)
class Item:
    """One command and who waits for it. In a batch nobody writes what another one writes or looks at."""

    append: Append
    future: asyncio.Future[Answer]
    writes: frozenset[UUID] = field(init=False)
    reads: frozenset[UUID] = field(init=False)

    def __post_init__(self) -> None:
        append = self.append
        self.writes = frozenset((append.why.command, *(event.aggregate for event in append.events)))
        self.reads = frozenset(id for id, _ in append.needed)

    @property
    def weight(self) -> int:
        return 1 + len(self.append.events) // _WEIGHED

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Batch(list[Item]):
    """What is committed together."""

    @property
    def appends(self) -> list[Append]:
        return [item.append for item in self]

    def fail(self, error: Callable[[], Exception]) -> None:
        for item in self:
            item.fail(error())


class Waiting:
    """In order of arrival. `limit` commands may wait; one with hundreds of events counts as several."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.conflicts = 0
        self._small: deque[Item] = deque()
        self._large: deque[Item] = deque()
        self._weight = 0
        self._large_before = False
        self._heads = _Heads()

    def __len__(self) -> int:
        return len(self._small) + len(self._large)

    def put(self, append: Append) -> asyncio.Future[Answer]:
        """Where its answer will be. Raises `Overloaded`."""
        if self._weight >= self.limit:
            raise Overloaded
        item = Item(append, asyncio.get_running_loop().create_future())
        self._weight += item.weight
        (self._large if len(append.events) >= _LARGE else self._small).append(item)
        return item.future

    def take(self) -> Batch:
        """The next batch; empty where nothing waits. Large commands take turns with all that is small."""
        batch = Batch()
        while len(self) and not batch:
            if self._large and not (self._large_before and self._small):
                self._large_before = True
                batch = self._fit([self._large.popleft()], self._large)
            else:
                self._large_before = False
                taken, self._small = self._small, deque()
                batch = self._fit(taken, self._small)
        return batch

    def settle(self, batch: Batch, verdicts: Iterable[Answer | Conflict]) -> None:
        """Tells each command of a batch what came of it."""
        for item, verdict in zip(batch, verdicts, strict=True):
            if isinstance(verdict, Conflict):
                self.conflicts += 1
                item.fail(verdict)
                continue
            if isinstance(verdict, Appended):
                self._heads.note(item.append)
            if not item.future.done():
                item.future.set_result(verdict)

    def everybody(self) -> Batch:
        """All that waits, which does not wait any longer."""
        found = Batch((*self._small, *self._large))
        self._small.clear()
        self._large.clear()
        self._weight = 0
        return found

    def __iter__(self) -> Iterator[Item]:
        return iter((*self._small, *self._large))

    def _fit(self, items: Iterable[Item], later: deque[Item]) -> Batch:
        """Those of them that can go together; the others wait for a later batch."""
        batch, events = Batch(), 0
        written: set[UUID] = set()
        seen: set[UUID] = set()
        for item in items:
            if item.future.done() or self._lost(item):
                self._weight -= item.weight
                continue
            apart = seen.isdisjoint(item.writes) and written.isdisjoint(item.writes) and written.isdisjoint(item.reads)
            if apart and (not batch or events < _EVENTS_AT_ONCE):
                batch.append(item)
                events += len(item.append.events)
                self._weight -= item.weight
            else:
                later.append(item)
            written |= item.writes
            seen |= item.reads
        return batch

    def _lost(self, item: Item) -> bool:
        if not self._heads.passed(item.append):
            return False
        self.conflicts += 1
        item.fail(Conflict())
        return True


class _Heads:
    """The newest versions that this process wrote lately: who builds on an older one has lost, whatever is asked.

    In two parts, so that forgetting the older half costs nothing.
    """

    def __init__(self) -> None:
        self._new: dict[UUID, int] = {}
        self._old: dict[UUID, int] = {}

    def note(self, append: Append) -> None:
        for event in append.events:
            self._new[event.aggregate] = event.version
        if len(self._new) > _REMEMBERED:
            self._old, self._new = self._new, {}

    def passed(self, append: Append) -> bool:
        return any(self._of(id) > version for id, version in append.needed) or any(
            self._of(event.aggregate) >= event.version for event in append.events
        )

    def _of(self, aggregate: UUID) -> int:
        return self._new.get(aggregate) or self._old.get(aggregate, 0)
