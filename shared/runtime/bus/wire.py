"""What the relay and the consumers need of Kafka: messages out, acknowledged; messages in, with their offsets.

`kafka` has the real ones. Whatever keeps these promises will do: the simulator of the tests has its own.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition

Headers = list[tuple[str, bytes]]
Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Partitions: TypeAlias = "dict[TopicPartition, list[Record]]"


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it goes out."""

    key: bytes
    value: bytes
    headers: Headers


class Outlet(Protocol):
    """Where messages go out."""

    async def publish(self, parted: Mapping[tuple[str, int], Sequence[Message]]) -> None:
        """Each (topic, partition)'s messages, in their order; returns when all are acknowledged by all replicas.

        Raises `KafkaError` or `OSError`: then each may be there or not, and none counts as published.
        """


class Inlet(Protocol):
    """A member of a consumer group; what aiokafka's consumer offers of it, under the same names."""

    def assignment(self) -> Collection[TopicPartition]: ...

    def paused(self) -> Collection[TopicPartition]: ...

    def pause(self, *partitions: TopicPartition) -> None: ...

    def resume(self, *partitions: TopicPartition) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    def position(self, partition: TopicPartition) -> Awaitable[int]:
        """The offset of the message that is given next. May wait for ever: where the group stands is not known."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of a partition as the last fetch told it."""

    def getmany(self, *, timeout_ms: int, max_records: int) -> Awaitable[Partitions]: ...

    def commit(self, offsets: dict[TopicPartition, int]) -> Awaitable[Any]: ...

    def committed(self, partition: TopicPartition) -> Awaitable[int | None]: ...

    def end_offsets(self, partitions: Collection[TopicPartition]) -> Awaitable[Mapping[TopicPartition, int]]: ...


class Inlets(Protocol):
    """Joins consumer groups: what is given is a member while it is held."""

    def __call__(
        self, *, group: str, topics: Sequence[str], listener: ConsumerRebalanceListener
    ) -> AbstractAsyncContextManager[Inlet]:
        """Begins where the group stopped, or at the topics' beginning; nothing is committed but by `commit`.

        `listener.on_partitions_revoked` is awaited before partitions may become another member's (where the member can
        still be asked at all), `on_partitions_assigned` before the first of a new assignment's messages is given.
        """
