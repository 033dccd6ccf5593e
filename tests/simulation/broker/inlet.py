"""A group's member: fetches from where it stands, says that it is there, and comes again when the group is shared out.

As aiokafka's: what was fetched may be handled long after the partition went to another (a process that was stopped).
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, UnknownMemberIdError

from shared.runtime.bus.wire import Inlet, Inlets, Partitions
from shared.runtime.workers import background
from tests.simulation.broker.groups import SESSION, Assigned, Group
from tests.simulation.broker.topics import Broker

_HEARTBEAT = 3.0
_AGAIN = 0.1


class _Member:
    def __init__(self, broker: Broker, group: Group, topics: Sequence[str], listener: Any) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._listener = listener
        self._id = 0
        self._assigned = Assigned(-1, ())
        self._positions: dict[TopicPartition, int] = {}
        self._paused: dict[TopicPartition, None] = {}
        self._highwaters: dict[TopicPartition, int] = {}
        self._news = asyncio.Event()
        broker.listening.append(self._news)

    # what the consumer asks ------------------------------------------------------------------------------------------

    def assignment(self) -> Collection[TopicPartition]:
        return self._positions.keys()

    def paused(self) -> Collection[TopicPartition]:
        return self._paused.keys()

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused.update(dict.fromkeys(partitions))

    def resume(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self._paused.pop(partition, None)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self._positions:
            raise IllegalStateError(f"No current assignment for partition {partition}")
        self._positions[partition] = offset
        self._news.set()

    async def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def highwater(self, partition: TopicPartition) -> int | None:
        return self._highwaters.get(partition)

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Partitions:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_ms / 1000):
                while True:
                    self._news.clear()
                    if found := await self._fetched(max_records):
                        return found
                    await self._news.wait()
        return {}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if strange := [one for one in offsets if one not in self._positions]:
            raise IllegalStateError(f"Partitions {strange} are not assigned")
        id, generation = self._id, self._assigned.generation
        await self._broker.line.ask("commit", lambda: self._group.commit(id, generation, offsets))

    async def committed(self, partition: TopicPartition) -> int | None:
        return await self._broker.line.ask("committed", lambda: self._group.committed.get(partition))

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        asked = list(partitions)
        return await self._broker.line.ask("ends", lambda: {one: self._broker.end(one) for one in asked})

    # fetching --------------------------------------------------------------------------------------------------------

    async def _fetched(self, limit: int) -> Partitions:
        wanted = {place: at for place, at in self._positions.items() if place not in self._paused}
        if not wanted:
            return {}
        limit = self._broker.world.chance.choice((1, 3, 20, limit))
        try:
            came = await self._broker.line.ask("fetch", lambda: self._read(wanted, limit))
        except KafkaError:
            await asyncio.sleep(_AGAIN)
            self._news.set()
            return {}
        return {place: records for place, records in came.items() if self._goes_on(place, wanted[place], records)}

    def _read(self, wanted: Mapping[TopicPartition, int], limit: int) -> Partitions:
        found: Partitions = {}
        for place, at in wanted.items():
            self._highwaters[place] = self._broker.end(place)
            if records := self._broker.read(place, at, limit):
                found[place] = list(records)
                limit -= len(records)
            if limit <= 0:
                self._news.set()
                break
        return found

    def _goes_on(self, place: TopicPartition, at: int, records: Sequence[Any]) -> bool:
        """Unless it was moved or given away while the fetch was on its way."""
        if self._positions.get(place) != at or place in self._paused:
            return False
        self._positions[place] = at + len(records)
        return True

    # the group -------------------------------------------------------------------------------------------------------

    async def join(self) -> None:
        """Becomes a member, as one of those that are there, with the partitions it is given."""
        if not self._id:
            self._id = await self._broker.line.ask("enter", self._group.enter)
        coming = await self._broker.line.ask("join", lambda: self._group.join(self._id, self._topics))
        async with asyncio.timeout(2 * SESSION):
            assigned = await coming
        committed = await self._broker.line.ask("offsets", lambda: dict(self._group.committed))
        await self._listener.on_partitions_assigned(set(assigned.partitions))
        self._assigned = assigned
        self._paused.clear()
        self._positions = {place: committed.get(place, 0) for place in assigned.partitions}
        self._news.set()

    async def stay(self) -> None:
        """Says that it is there, and comes again when it has to."""
        while True:
            await asyncio.sleep(_HEARTBEAT)
            with suppress(KafkaError, TimeoutError):
                if await self._has_to_come():
                    await self._listener.on_partitions_revoked(set(self._positions))
                    await self._come()

    async def leave(self) -> None:
        self._broker.listening.remove(self._news)
        with suppress(KafkaError):
            await self._broker.line.ask("leave", lambda: self._group.leave(self._id))

    async def _has_to_come(self) -> bool:
        generation = self._assigned.generation
        try:
            return await self._broker.line.ask("heartbeat", lambda: self._group.heartbeat(self._id, generation))
        except UnknownMemberIdError:
            self._id = 0
            return True

    async def _come(self) -> None:
        """Until it is one of them again: without partitions meanwhile."""
        self._positions = {}
        while True:
            try:
                await self.join()
                return
            except UnknownMemberIdError:
                self._id = 0
            except (KafkaError, TimeoutError):
                await asyncio.sleep(_AGAIN)


def inlets(broker: Broker) -> Inlets:
    """Joins groups of this broker."""

    @asynccontextmanager
    async def joined(*, group: str, topics: Sequence[str], listener: Any) -> AsyncIterator[Inlet]:
        member = _Member(broker, broker.group(group), topics, listener)
        try:
            await member.join()
            async with background(member.stay(), f"heartbeat of {group}"):
                yield member
        finally:
            await member.leave()

    return joined


async def watch(broker: Broker) -> None:
    """The broker's own look at its groups, for as long as the world is."""
    while True:
        await asyncio.sleep(1.0)
        for group in broker.groups():
            group.watch(broker.line.up)
