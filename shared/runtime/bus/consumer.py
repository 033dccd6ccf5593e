"""A consumer group: batches of contracts, each partition in order, committed only after they were handled.

What cannot be reached just now is tried again with a growing pause. A message that cannot be applied stops its
partition, loudly and on record, and is tried again from time to time: nothing is skipped. FastStream keeps the
connection and the subscription; the loop is ours, because its own logs a handler's error and goes on (ADR 0004).
"""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic
from typing import Any, Protocol, TypeAlias, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.contracts.catalogue import contracts as catalogue
from shared.contracts.envelope import Contract, Envelope, from_headers
from shared.kernel import Unavailable
from shared.runtime.json import loads

_RECORDS = 2_000
_IDLE_MS = 1_000
_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
_STOPPED_FOR = 30.0
"""seconds after which a stopped partition is tried again"""

_LOG = logging.getLogger(__name__)

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Partitions: TypeAlias = "dict[TopicPartition, list[Record]]"


class Unreadable(ValueError):
    """Not a message of ours, or of a contract that is not known here."""


class Listener(Protocol):
    """What a consumer does with its messages."""

    def hears(self, type: str) -> bool:
        """Whether messages of this type (`records.patient.registered.v1`) can be for it: the others are not read."""

    def wants(self, envelope: Envelope) -> bool:
        """Whether this message is for it."""

    async def handle(self, contracts: Sequence[Contract]) -> None:
        """Handles all of them, or raises: then none counts as handled."""


class Stops(Protocol):
    """Where stopped partitions are on record."""

    async def stopped(self, consumer: str, record: Record, error: BaseException) -> None: ...

    async def resumed(self, consumer: str, partition: TopicPartition) -> None: ...


def read(record: Record, listener: Listener) -> Contract | None:
    """The contract of a message; None where it is not for the listener. Raises `Unreadable`."""
    try:
        if not listener.hears(next(value.decode() for name, value in record.headers if name == "ce_type")):
            return None
        envelope = from_headers(record.headers, key=record.key)
        if not listener.wants(envelope):
            return None
        contract = catalogue()[envelope.type]
        return contract.model_validate(loads(record.value or b"")).within(envelope)
    except (ValueError, KeyError, StopIteration) as broken:
        raise Unreadable(type(broken).__name__) from None


class Consumer:
    """One group's member in this process. `run` goes on until cancelled."""

    def __init__(self, *, bootstrap: str, group: str, topics: Sequence[str], listener: Listener, stops: Stops) -> None:
        self.group = group
        self.stopped: dict[TopicPartition, float] = {}
        self._going: set[TopicPartition] = set()
        """those that went on since they are ours: whoever had them before may have left them on record as stopped"""
        self._topics = topics
        self._bootstrap = bootstrap
        self._listener = listener
        self._stops = stops
        self.progress_at = monotonic()
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        while True:
            try:
                await self._consume()
            except (KafkaError, OSError) as error:
                _LOG.warning("a consumer is interrupted", extra={"group": self.group, "error": type(error).__name__})
            except Exception:  # noqa: BLE001 - a group without its consumer would stand still in silence
                _LOG.exception("a consumer failed and begins again", extra={"group": self.group})
            self.progress_at = monotonic()  # it tries: whoever is away is not mended by ending this process
            await asyncio.sleep(_PAUSES[3])

    async def _consume(self) -> None:
        broker = KafkaBroker(self._bootstrap, logger=None, allow_auto_create_topics=False)
        subscriber = broker.subscriber(
            *self._topics,
            group_id=self.group,
            batch=True,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            session_timeout_ms=30_000,
            fetch_max_wait_ms=_IDLE_MS,
        )
        await broker.start()
        try:
            self._consumer = cast(AIOKafkaConsumer, subscriber.consumer)
            await self._loop(self._consumer)
        finally:
            self._consumer = None
            await broker.stop()

    async def place(self) -> tuple[int, int] | None:
        """How many messages of its partitions are handled and committed, and how many there are; None: not begun."""
        consumer = self._consumer
        if consumer is None or not consumer.assignment():
            return None
        ends = await consumer.end_offsets(consumer.assignment())
        committed = [await consumer.committed(partition) or 0 for partition in ends]
        return sum(committed), sum(ends.values())

    async def _loop(self, consumer: AIOKafkaConsumer) -> None:
        self._going.clear()
        failures = 0
        while True:
            self._retry_stopped(consumer)
            records: Partitions = await consumer.getmany(timeout_ms=_IDLE_MS, max_records=_RECORDS)
            self.progress_at = monotonic()
            self._going &= consumer.assignment()
            if not records:
                continue
            try:
                await self._handle(consumer, records)
                failures = 0
            except (Unavailable, OSError) as error:
                self._rewind(consumer, records)
                extra = {"group": self.group, "error": type(error).__name__}
                _LOG.warning("a consumer waits for what it needs", extra=extra)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    async def _handle(self, consumer: AIOKafkaConsumer, records: Partitions) -> None:
        """The whole batch at once; where that fails for good, message by message, to find the one."""
        try:
            wanted = [c for batch in records.values() for one in batch if (c := read(one, self._listener))]
            if wanted:
                await self._listener.handle(wanted)
        except (Unavailable, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the partition must not go on without it
            _LOG.error("a batch failed", extra={"group": self.group, "error": type(error).__name__})
            went_on = [p for p, batch in records.items() if await self._one_by_one(consumer, p, batch)]
        else:
            went_on = list(records)
            await _commit(consumer, {partition: batch[-1].offset + 1 for partition, batch in records.items()})
        await self._went_on(went_on)

    async def _one_by_one(self, consumer: AIOKafkaConsumer, partition: TopicPartition, batch: Sequence[Record]) -> bool:
        """Whether the partition could go on to the batch's end."""
        for record in batch:
            try:
                contract = read(record, self._listener)
                if contract:
                    await self._listener.handle([contract])
            except (Unavailable, OSError):
                raise
            except Exception as error:  # noqa: BLE001
                await self._stop(consumer, partition, record, error)
                return False
            await _commit(consumer, {partition: record.offset + 1})
        return True

    async def _stop(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, record: Record, error: Exception
    ) -> None:
        """The partition stands still at this message until it can be applied."""
        extra = {"group": self.group, "partition": partition.partition, "offset": record.offset}
        _LOG.error("a partition is stopped", extra={**extra, "topic": partition.topic, "error": type(error).__name__})
        self.stopped[partition] = monotonic()
        self._going.discard(partition)
        if partition in consumer.assignment():
            consumer.seek(partition, record.offset)
            consumer.pause(partition)
        await self._stops.stopped(self.group, record, error)

    def _retry_stopped(self, consumer: AIOKafkaConsumer) -> None:
        for partition, since in self.stopped.items():
            if monotonic() - since > _STOPPED_FOR and partition in consumer.paused():
                consumer.resume(partition)
                self.stopped[partition] = monotonic()

    async def _went_on(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in set(partitions) - self._going:
            self.stopped.pop(partition, None)
            await self._stops.resumed(self.group, partition)
            self._going.add(partition)

    def _rewind(self, consumer: AIOKafkaConsumer, records: Partitions) -> None:
        for partition, batch in records.items():
            if partition in consumer.assignment() and partition not in consumer.paused():
                consumer.seek(partition, batch[0].offset)


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[Any, int]) -> None:
    """After a rebalance the partition is another's: it reads again what we have handled, which is a duplicate."""
    try:
        await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError) as moved:
        _LOG.info("a commit came after a rebalance", extra={"error": type(moved).__name__})
