"""What the topics have lost, from the owners' feeds: for a generation that is being filled; holes of the live ones."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.runtime.feed import Feed
from shared.runtime.projecting import Applier
from shared.runtime.projection import Projection

_EVENTS_AT_ONCE = 100
_LOG = logging.getLogger(__name__)


class Mending:
    """Applies whole aggregates to one generation: what it has seen of them are duplicates, which are skipped."""

    def __init__(self, projection: Projection[Any], *, applier: Applier, feeds: Mapping[str, Feed]) -> None:
        self._hears = projection.hears
        self._applier = applier
        self._feeds = feeds

    async def mend(self, sources: Sequence[str]) -> None:
        """What no feed tells stays as it is: the comparison says so."""
        for source in sources:
            for service in self._hears:
                if service in self._feeds and await self._applied(self._feeds[service], UUID(source)):
                    break

    async def _applied(self, feed: Feed, source: UUID) -> bool:
        """Whether this is its owner's feed, and told it."""
        after = 0
        try:
            while page := await feed.contracts_of(source, after=after, limit=_EVENTS_AT_ONCE):
                await self._applier.apply(page)
                after = page[-1].envelope.sequence
        except Exception as error:  # noqa: BLE001 - one that cannot be asked for or applied must not keep the others
            _LOG.warning(
                "an aggregate cannot be mended", extra={"aggregate": str(source), "error": type(error).__name__}
            )
            return False
        return after > 0


async def hurry(database: Any, *, projections: Sequence[str] | None) -> int:
    """The workers try these projections' holes (None: all) within seconds; returns how many sources stand still."""
    await database.execute(f"UPDATE holes SET next_at = clock_timestamp() WHERE {_OF}", _labels(projections))  # noqa: S608
    return await standing(database, projections=projections)


async def standing(database: Any, *, projections: Sequence[str] | None) -> int:
    """How many sources stand still."""
    sources = "SELECT count(DISTINCT (projection, source)) FROM holes"
    found: int = await database.fetchval(f"{sources} WHERE {_OF}", _labels(projections))
    return found


async def troubles(database: Any, *, projections: Sequence[str] | None) -> Sequence[tuple[str, int]]:
    """What is in the way, and of how many sources."""
    rows = await database.fetch(
        "SELECT coalesce(trouble, 'not tried yet') AS trouble, count(DISTINCT (projection, source)) AS sources"  # noqa: S608
        f" FROM holes WHERE {_OF} GROUP BY 1 ORDER BY 2 DESC",
        _labels(projections),
    )
    return [(row["trouble"], row["sources"]) for row in rows]


_OF = "($1::text[] IS NULL OR split_part(projection, '~', 1) = ANY($1::text[]))"
"""whichever generation: holes are on record by `projection` or `projection~2`"""


def _labels(projections: Sequence[str] | None) -> list[str] | None:
    return None if projections is None else list(projections)
