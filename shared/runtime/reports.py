"""What has gone wrong and stands until it is mended: holes and what is set aside, in the service's own database."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.runtime.bus.parking import ParkedMessages
from shared.runtime.log import Log
from shared.runtime.projecting import Hole


class Reports:
    """The record that operators read; healing and replay take from it."""

    def __init__(self, *, log: Log) -> None:
        self._log = log
        self.parking = ParkedMessages(log=log)

    async def holes(self, label: str, holes: Sequence[Hole], *, owners: Mapping[UUID, str]) -> None:
        """A hole that is on record stays as it was first noticed; what has to be got past may have become more."""
        await self._log.fetch(
            "INSERT INTO holes (projection, source, document, expected, got, owner)"
            " SELECT $1, h.source, h.document, min(h.expected), max(h.got), max(h.owner)"
            " FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::text[])"
            " AS h(source, document, expected, got, owner) GROUP BY h.source, h.document ORDER BY 2, 3"
            " ON CONFLICT (projection, source, document) DO UPDATE SET got = excluded.got, owner = excluded.owner"
            " WHERE holes.got < excluded.got OR holes.owner IS NULL",
            label,
            [hole.source for hole in holes],
            [hole.document for hole in holes],
            [hole.expected for hole in holes],
            [hole.got for hole in holes],
            [owners[hole.source] for hole in holes],
        )

    async def problems(self) -> Sequence[str]:
        """One line for each hole and each source that is set aside."""
        return await problems_in(self._log.pool)


async def problems_in(database: Any) -> Sequence[str]:
    """The same of a log that is asked from outside: `database` is a connection to it, or a pool of them."""
    holes = await database.fetch("SELECT projection, source, expected, got, trouble FROM holes ORDER BY 1, 2 LIMIT 100")
    parked = await database.fetch(
        "SELECT DISTINCT ON (consumer, source, topic, partition, alone) *,"
        " count(*) OVER (PARTITION BY consumer, source, topic, partition, alone) - 1 AS behind"
        " FROM (SELECT *, CASE WHEN source IS NULL THEN offset_at END AS alone,"
        " bool_or(again_at IS NOT NULL) OVER (PARTITION BY consumer, source, topic, partition) AS waits FROM parked)"
        " AS each WHERE NOT waits"
        " ORDER BY consumer, source, topic, partition, alone, offset_at LIMIT 100"
    )
    return [
        *(
            f"{h['projection']}: {h['source']} expects version {h['expected']}, got {h['got']}"
            + (f" ({h['trouble']})" if h["trouble"] else "")
            for h in holes
        ),
        *(
            f"{p['consumer']}: {p['topic']}/{p['partition']} set aside at {p['offset_at']}, {p['event']}: {p['error']}"
            f" ({p['behind']} behind it)"
            for p in parked
        ),
    ]
