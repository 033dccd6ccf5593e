"""Snapshots: an aggregate's state beside its events, so that loading a long one costs little more than a short one.

Whoever loads an aggregate and has to fold many events leaves a snapshot for the next; it is written when nobody waits
for it. The table may be emptied at any time: the events are the truth.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from shared.kernel import Aggregate, EventId, Unavailable, event_id
from shared.runtime.json import loads
from shared.runtime.log.freezing import Unfreezable, Unthawable, freeze, maker, thaw
from shared.runtime.log.gathering import Gathering
from shared.runtime.log.mapper import EventMapper
from shared.runtime.log.rows import Birth

DEEP = 50
"""events after which a snapshot is worth its place"""
_WAITING = 1_000
_AT_ONCE = 50
_PAUSE = 0.2
_LOG = logging.getLogger(__name__)

_LOAD = """
SELECT e.aggregate, e.version, e.name, e.state, e.correlation, e.key, e.patient, e.organization, e.links,
       s.state AS frozen, s.custodian
FROM unnest($1::uuid[], $2::bytea[]) AS asked(id, maker)
CROSS JOIN LATERAL (
    SELECT * FROM events e WHERE e.aggregate = asked.id AND e.version >= coalesce((
        SELECT s.version FROM snapshots s JOIN events x ON x.aggregate = s.aggregate AND x.version = s.version
        WHERE s.aggregate = asked.id AND s.made_by = asked.maker
    ), 1)
) AS e
LEFT JOIN snapshots s ON s.aggregate = e.aggregate AND s.version = e.version AND s.made_by = asked.maker
ORDER BY e.aggregate, e.version
"""
_SAVE = """
INSERT INTO snapshots (aggregate, version, made_by, custodian, state)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::text[], $5::bytea[])
ON CONFLICT (aggregate) DO UPDATE
    SET version = excluded.version, made_by = excluded.made_by, custodian = excluded.custodian, state = excluded.state
    WHERE snapshots.version < excluded.version OR snapshots.made_by <> excluded.made_by
"""
_FORGET = "DELETE FROM snapshots WHERE aggregate = ANY($1::uuid[])"

Fetch = Callable[..., Awaitable[Sequence[Any]]]
_Row = tuple[UUID, int, bytes, str, bytes]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An aggregate as it is now: whose it is, its last event, and the story that one belongs to."""

    aggregate: Any
    birth: Birth
    last: EventId
    correlation: UUID


class Snapshots:
    """Reads through the log's connections, and writes by the way: `run` goes on until cancelled."""

    def __init__(self, *, fetch: Fetch, mapper: EventMapper) -> None:
        self._fetch = fetch
        self._loads = Gathering(partial(fetch, _LOAD))
        self._mapper = mapper
        self._due: dict[UUID, _Row] = {}
        self._wake = asyncio.Event()

    async def load(self, kind: type[Aggregate], ids: Sequence[UUID]) -> dict[UUID, Loaded] | None:
        """Those that exist, in one read. None where there can be no snapshots of them."""
        by = maker(kind)
        if by is None:
            return None
        streams = await self._loads.rows(ids, by)
        try:
            return {id: self._made(kind, stream) for id, stream in streams.items()}
        except Unthawable as broken:
            _LOG.warning("snapshots could not be used", extra={"error": str(broken), "count": len(ids)})
            await self._fetch(_FORGET, ids)
            return await self.load(kind, ids)

    def _made(self, kind: type[Aggregate], stream: Sequence[Any]) -> Loaded:
        first, last = stream[0], stream[-1]
        id = UUID(int=first["aggregate"].int)  # the driver has a class of its own, which no state should hold
        frozen = first["frozen"]
        made: Any = thaw(frozen, kind) if frozen is not None else None
        for row in stream[1:] if frozen is not None else stream:
            made = self._mapper.event(id, row["version"], row["name"], row["state"]).mutate(made)
        birth = Birth(
            key=first["key"],
            patient=first["patient"],
            custodian=first["organization"] if frozen is None else first["custodian"],
            links=loads(first["links"]),
        )
        if len(stream) > DEEP:
            self._leave(made, birth)
        return Loaded(made, birth, event_id(id, made.version), last["correlation"])

    def _leave(self, made: Any, birth: Birth) -> None:
        """For the next who loads it. Its state is taken now: it is about to change."""
        kind: type[Aggregate] = type(made)
        by = maker(kind)
        if by is None or len(self._due) >= _WAITING:
            return
        try:
            self._due[made.id] = (made.id, made.version, by, birth.custodian, freeze(made))
            self._wake.set()
        except Unfreezable as broken:
            _LOG.warning("a snapshot cannot be made", extra={"error": str(broken)})

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due:
                await self.save()
                await asyncio.sleep(_PAUSE if self._due else 0)

    async def save(self) -> None:
        """Some of those that are due. One that cannot be written is forgotten: the next load leaves another."""
        rows = [self._due.pop(id) for id in sorted(self._due)[:_AT_ONCE]]
        try:
            await self._fetch(_SAVE, *(list(column) for column in zip(*rows, strict=True)))
        except Unavailable as away:
            _LOG.warning("snapshots could not be written", extra={"error": away.code, "count": len(rows)})
