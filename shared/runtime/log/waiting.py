"""Commands that wait for their batch: so many and no more, and those that have lost already are told at once."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator

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


class Item:
    """One command and who waits for it. In a batch nobody writes what another one writes or looks at.

    Ids are compared as numbers here: a UUID computes its hash each time, in Python.
    """

    __slots__ = ("append", "future", "reads", "weight", "writes")

    def __init__(self, append: Append, future: asyncio.Future[Answer]) -> None:
        self.append = append
        self.future = future
        self.weight = 1 + len(append.events) // _WEIGHED
        self.writes = [event.aggregate.int for event in append.events]
        self.reads = [id.int for id, _ in append.needed]
        if append.answer is not None:
            self.writes.append(append.why.command.int)

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
        written: set[int] = set()
        seen: set[int] = set()
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
            written.update(item.writes)
            seen.update(item.reads)
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
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def note(self, append: Append) -> None:
        for event in append.events:
            self._new[event.aggregate.int] = event.version
        if len(self._new) > _REMEMBERED:
            self._old, self._new = self._new, {}

    def passed(self, append: Append) -> bool:
        for id, version in append.needed:
            if self._of(id.int) > version:
                return True
        for event in append.events:  # noqa: SIM110 - here for each event, and three times as fast
            if self._of(event.aggregate.int) >= event.version:
                return True
        return False

    def _of(self, aggregate: int) -> int:
        return self._new.get(aggregate) or self._old.get(aggregate, 0)
