"""Documents at a distance: the plain store of the runtime, behind a line that loses requests and answers.

A bulk write is many small ones: another process may come between two of them, and an outage may cut them short.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from shared.kernel import Unavailable
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Collection, Document, Write
from tests.simulation.world import Line, World

T = TypeVar("T")


class DistantDocuments:
    """What projections use of the port. All processes share the store behind it."""

    def __init__(self, world: World, store: MemoryDocuments) -> None:
        self.world = world
        self.store = store
        self.line = Line(world, "documents", lost=Unavailable)
        self.went_back: list[str] = []
        """documents that knew less after a write than before it: mended later or not, readers have seen it"""

    def down(self) -> None:
        self.world.note("the documents go down")
        self.line.up = False

    def up(self) -> None:
        self.world.note("the documents are up")
        self.line.up = True

    async def prepare(self, collection: Collection) -> None:
        await self._ask("prepare", lambda: self.store.prepare(collection))

    async def read(self, collection: Collection, ids: Iterable[str]) -> dict[str, Document]:
        wanted = list(ids)
        return await self._ask("read", lambda: self.store.read(collection, wanted))

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        lost: set[str] = set()
        for part in self._parts(writes):
            lost |= await self._written(collection, part)
        return lost

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        for part in self._parts(documents):
            await self._inserted(collection, part)

    async def aliases(self) -> Mapping[str, str]:
        return await self._ask("aliases", self.store.aliases)

    async def _written(self, collection: Collection, part: Sequence[Write]) -> set[str]:
        return await self._ask("write", lambda: self._watched(collection, part))

    async def _watched(self, collection: Collection, part: Sequence[Write]) -> set[str]:
        ids = [write.document.id for write in part]
        before = await self.store.read(collection, ids)
        lost = await self.store.write(collection, part)
        after = await self.store.read(collection, ids)
        for id, document in before.items():
            if id not in after or after[id].revision < document.revision:
                self.went_back.append(f"{id} went back from {document.revision} in {collection.name}")
        return lost

    async def _inserted(self, collection: Collection, part: Sequence[Document]) -> None:
        await self._ask("insert", lambda: self.store.insert(collection, part))

    def _parts(self, batch: Sequence[T]) -> list[Sequence[T]]:
        cut = self.world.chance.randint(0, len(batch))
        return [part for part in (batch[:cut], batch[cut:]) if part]

    async def _ask(self, what: str, do: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self.line.ask(what, lambda: at_once(do()))


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")
