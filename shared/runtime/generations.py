"""The generations of a projection: which one is live, where each is kept, and the way from one to another.

The alias says which collection readers read and the worker writes. A reader may trust what it said for a second, so a
generation that was live a moment ago must still be there.
"""

from collections.abc import Sequence
from typing import Any

from shared.runtime.documents.port import Collection, Documents
from shared.runtime.projecting import applier, collection_name
from shared.runtime.projection import Projection


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

    async def prepare(self, projection: Projection[Any], generation: int) -> None:
        for collection in self.collections(projection, generation):
            await self._store.prepare(collection)

    async def drop(self, projection: Projection[Any], generation: int) -> None:
        """Raises `ValueError` for the live one: whoever asks for that has mistaken it for another."""
        if generation == await self.live(projection):
            raise ValueError(f"generation {generation} of {projection.name} is live")
        for collection in self.collections(projection, generation):
            await self._store.drop(collection.name)

    def collections(self, projection: Projection[Any], generation: int) -> Sequence[Collection]:
        """All that one generation is kept in."""
        return applier(projection, store=self._store, generation=generation).collections
