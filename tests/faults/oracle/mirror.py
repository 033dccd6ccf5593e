"""What must be: the logs as their databases hold them, and the read models folded from them alone, in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.envelope import Contract
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.json import dumps
from shared.runtime.log.rows import EVENT_COLUMNS, Stored
from shared.runtime.projecting import Applier, applier
from shared.runtime.projection import Projection
from shared.runtime.publishing import Publisher
from tests.faults.grounds.ground import Ground, projections

_PAGE = 2_000
_COLUMNS = ", ".join(("position", "recorded_at", *(name for name, _ in EVENT_COLUMNS)))


@dataclass(slots=True)
class Stream:
    """One service's log as far as it was read."""

    head: int = 0
    versions: dict[UUID, int] = field(default_factory=dict)
    """the newest version of each aggregate"""
    values: dict[str, int] = field(default_factory=dict)
    """of each event's id: a hash of the message that must be on the topic"""
    told: list[Contract] = field(default_factory=list)
    """the contracts, where somebody keeps them"""


class Mirror:
    """Follows the logs of a ground. `wrong`: what is not as a log must be. `keep`: whose contracts are kept."""

    def __init__(self, ground: Ground, *, keep: Sequence[str] = ("scheduling", "billing")) -> None:
        self._ground = ground
        self._keep = keep
        self.streams = {service: Stream() for service in ground.services}
        self.by_command: dict[UUID, list[tuple[str, str, UUID, int]]] = defaultdict(list)
        """of each command: service, contract, aggregate and version of each of its events"""
        self.wrong: list[str] = []
        self.stores = {service: MemoryDocuments() for service in ground.services}
        self.shown: Mapping[str, Sequence[Projection[Any]]] = {
            name: projections(service) for name, service in ground.services.items()
        }
        self._appliers: list[tuple[Projection[Any], Applier]] = []

    @property
    def events(self) -> int:
        return sum(stream.head for stream in self.streams.values())

    async def follow(self) -> int:
        """Reads all that is new in all logs; answers how much that was."""
        before = self.events
        if not self._appliers:
            self._appliers = [
                (one, await self._applier(n, one)) for n, several in self.shown.items() for one in several
            ]
        for service in self.streams:
            await self._follow(service)
        return self.events - before

    async def _follow(self, service: str) -> None:
        connection = await asyncpg.connect(self._ground.database(service), timeout=10)
        try:
            publisher = Publisher(
                self._ground.services[service], epoch=await connection.fetchval("SELECT epoch FROM log")
            )
            sql = f"SELECT {_COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT {_PAGE}"
            while rows := await connection.fetch(sql, self.streams[service].head):
                contracts = [publisher.contract(self._looked_at(service, Stored(**row))) for row in rows]
                await self._take(service, contracts)
        finally:
            await connection.close()

    def _looked_at(self, service: str, stored: Stored) -> Stored:
        """Positions and versions have no hole and no repeat."""
        stream = self.streams[service]
        expected = stream.versions.get(stored.aggregate, 0) + 1
        if stored.position != stream.head + 1:
            self.wrong.append(f"{service}: position {stored.position} follows {stream.head}")
        if stored.version != expected:
            self.wrong.append(f"{service}: {stored.id} where version {expected} should be")
        stream.head, stream.versions[stored.aggregate] = stored.position, stored.version
        return stored

    async def _take(self, service: str, contracts: Sequence[Contract]) -> None:
        stream = self.streams[service]
        for contract in contracts:
            said = contract.envelope
            stream.values[said.id] = hash(dumps(contract))
            self.by_command[said.commandid].append((service, contract.TYPE, said.subject, said.sequence))
        if service in self._keep:
            stream.told += contracts
        for projection, applies in [one for one in self._appliers if service in one[0].hears]:
            heard = [one for one in contracts if _is_about(projection, one)]
            if holes := await applies.apply(heard):
                self.wrong += [f"{service}: {projection.name} cannot be folded at {hole.source}" for hole in holes]

    async def _applier(self, service: str, projection: Projection[Any]) -> Applier:
        applies = applier(projection, store=self.stores[service], generation=1)
        for collection in applies.collections:
            await self.stores[service].prepare(collection)
        return applies


def _is_about(projection: Projection[Any], contract: Contract) -> bool:
    return projection.about is None or contract.envelope.aggregate in projection.about
