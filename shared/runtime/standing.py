"""What stands in a service's database until somebody mends it, counted now and then for the metrics."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import asyncpg

_LOOK = 10.0
_COUNTS = {
    "parked": "SELECT consumer, count(*) FROM (SELECT consumer, bool_or(again_at IS NOT NULL)"
    " OVER (PARTITION BY consumer, source, topic, partition) AS waits FROM parked) AS each WHERE NOT waits GROUP BY 1",
    "holes": "SELECT projection, count(*) FROM holes GROUP BY 1",
}
_UNTOLD = "SELECT count(*) FROM parked WHERE NOT told AND again_at IS NULL"
_OVERDUE = "SELECT coalesce(extract(epoch FROM max(now() - due_at)), 0) FROM timers WHERE due_at < now()"
_LOG = logging.getLogger(__name__)


@dataclass
class Standing:
    """Parked events by consumer (not those that only wait until another service is heard), open holes by projection,
    dead letters not told yet, seconds of the oldest timer that is overdue.

    `run` looks every ten seconds until cancelled; while the database is away, the last look stands.
    """

    pool: Callable[[], asyncpg.Pool]
    parked: Mapping[str, int] = field(default_factory=dict)
    holes: Mapping[str, int] = field(default_factory=dict)
    untold: int = 0
    overdue: float = 0.0

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as away:
                _LOG.warning("what stands open cannot be counted", extra={"error": type(away).__name__})
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """What was there and is mended counts as none, so that its alert ends."""
        self.parked = {**dict.fromkeys(self.parked, 0), **await self._count("parked")}
        self.holes = {**dict.fromkeys(self.holes, 0), **await self._count("holes")}
        self.untold = await self.pool().fetchval(_UNTOLD)
        self.overdue = float(await self.pool().fetchval(_OVERDUE))

    async def _count(self, what: str) -> dict[str, int]:
        return {row[0]: row[1] for row in await self.pool().fetch(_COUNTS[what])}
