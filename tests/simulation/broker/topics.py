"""What the broker keeps: each partition's messages, and each group's offsets. All of it outlives every outage."""

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.runtime.bus.wire import Headers, Message, Record
from tests.simulation.broker.groups import Group
from tests.simulation.world import Line, World


class Broker:
    """One cluster. `loses`: how often it acknowledges a message that nobody will ever see."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.line = Line(world, "broker", lost=KafkaConnectionError)
        self.loses = 0.0
        self.dropped: list[str] = []
        """the ids of the events that were acknowledged and not kept"""
        self.listening: list[asyncio.Event] = []
        self._partitions: dict[TopicPartition, list[Record]] = {}
        self._groups: dict[str, Group] = {}

    def down(self) -> None:
        self.world.note("the broker goes down")
        self.line.up = False

    def up(self) -> None:
        self.world.note("the broker is up")
        self.line.up = True
        for group in self._groups.values():
            group.forgive()

    def group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(self.world, name)
        return self._groups[name]

    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def append(self, place: TopicPartition, messages: Sequence[Message]) -> None:
        """They are durable, in this order; but for those that are lost."""
        kept = self._partitions.setdefault(place, [])
        for message in messages:
            if self.loses and self.world.chance.random() < self.loses:
                self.dropped.append(_id_of(message.headers))
                self.world.note(f"the broker drops {self.dropped[-1]}")
            else:
                kept.append(_record(place, len(kept), message))
        for heard in self.listening:
            heard.set()

    def end(self, place: TopicPartition) -> int:
        return len(self._partitions.get(place, ()))

    def read(self, place: TopicPartition, start: int, limit: int) -> Sequence[Record]:
        return self._partitions.get(place, [])[start : start + limit]

    def behind(self, group: Group) -> int:
        """How many messages of its topics are not handled by the group."""
        kept = ((place, len(records)) for place, records in self._partitions.items() if place.topic in group.topics)
        return sum(max(0, end - group.committed.get(place, 0)) for place, end in kept)

    def everything(self) -> list[Record]:
        """All that is kept, each partition's in order."""
        return [one for _, kept in sorted(self._partitions.items()) for one in kept]


def _id_of(headers: Headers) -> str:
    return dict(headers).get("ce_id", b"?").decode()


def _record(place: TopicPartition, offset: int, message: Message) -> Record:
    return ConsumerRecord(
        topic=place.topic,
        partition=place.partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=message.key,
        value=message.value,
        checksum=None,
        serialized_key_size=len(message.key or b""),
        serialized_value_size=len(message.value or b""),
        headers=tuple(message.headers),
    )
