"""I4: looks at documents during the fault. What they have seen of a source only grows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.kernel import Unavailable
from shared.runtime.documents.port import Collection
from shared.runtime.generations import Generations
from shared.runtime.json import loads
from shared.runtime.projecting import collection_name
from shared.runtime.projection import Journal
from shared.runtime.workers import background
from tests.faults.oracle.documents import shelf
from tests.faults.oracle.mirror import Mirror
from tests.faults.oracle.oracle import Oracle

_EVERY = 2.0
_AT_ONCE = 500


@asynccontextmanager
async def watched(oracle: Oracle) -> AsyncIterator[None]:
    """Whoever falls back meanwhile is noted in `oracle.wrong`."""
    async with background(_watch(oracle), "watch"):
        yield


async def _watch(oracle: Oracle) -> None:
    seen: dict[tuple[str, ...], int] = {}
    while True:
        for service in oracle.mirror.shown:
            with suppress(OSError, Unavailable, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                oracle.wrong += await _fell_back(oracle, oracle.mirror, service, seen)
        await asyncio.sleep(_EVERY)


async def _fell_back(oracle: Oracle, mirror: Mirror, service: str, seen: dict[tuple[str, ...], int]) -> list[str]:
    found = []
    for projection in mirror.shown[service]:
        async with shelf(oracle.ground, service, projection) as store:
            name = collection_name(projection, await Generations(store).live(projection))
            if isinstance(projection, Journal):
                collection = Collection(f"{name}_sources", {})
            else:
                collection = Collection(name, projection.fields, projection.indexes)
            for document in await store.scan(collection, after="", limit=_AT_ONCE):
                for source, (version, _) in loads(document.sources or b"{}").items():
                    before = seen.get((service, name, document.id, source), 0)
                    if version < before:
                        found.append(f"I4: {service}.{name}/{document.id} knew {source} at {before}, then at {version}")
                    seen[service, name, document.id, source] = version
    return found
