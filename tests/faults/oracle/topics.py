"""What the topics say, read to their ends from where the last look ended, and compared with the logs."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.catalogue import topic_of
from tests.faults.grounds.ground import Ground
from tests.faults.injecting.poison import MARK
from tests.faults.oracle.mirror import Mirror

_PARTITIONS = 12
_PATIENCE = 30.0
"""seconds for one look at topics that may just be gone"""


class Topics:
    """All messages so far: `wrong` says which came too early or with another value than the log has."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._services = {topic_of(service): service for service in ground.services}
        self._cut = False
        self._read: dict[TopicPartition, int] = {}
        self._newest: dict[tuple[str, UUID], int] = {}
        self.values: dict[str, dict[str, int]] = {service: {} for service in ground.services}
        self.wrong: list[str] = []
        self.repeats = 0
        """messages that came again: at least once is what is promised"""

    def forget(self) -> None:
        """The topics have lost what was in them, and it is said again: from their beginnings."""
        self.__init__(self._ground)  # type: ignore[misc]
        self._cut = True

    async def come_to_hold(self, service: str, ids: Set[str], *, within: float) -> bool:
        """Whether a topic comes to hold these events in time; one that is not there holds none."""
        deadline = monotonic() + within
        while ids - self.values[service].keys() and monotonic() < deadline:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self.follow()
            await asyncio.sleep(0.5)
        return not ids - self.values[service].keys()

    async def follow(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._ground.kafka,
            group_id=None,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=2**22,
        )
        await consumer.start()
        try:
            parts = [TopicPartition(topic, n) for topic in self._services for n in range(_PARTITIONS)]
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            for part, end in ends.items():
                known = self._read.get(part, 0)
                consumer.seek(part, known if known <= end else 0)
            while [part for part, end in ends.items() if await consumer.position(part) < end]:
                for part, records in (await consumer.getmany(timeout_ms=500)).items():
                    self._take(part.topic, records)
                    self._read[part] = records[-1].offset + 1
        finally:
            await consumer.stop()

    def _take(self, topic: str, records: Sequence[Any]) -> None:
        service = self._services[topic]
        for record in records:
            headers = dict(record.headers)
            if "ce_id" not in headers or MARK in headers:
                continue  # not ours: what a test put there to be refused
            id, sequence = headers["ce_id"].decode(), int(headers["ce_sequence"])
            source = (service, UUID(headers["ce_subject"].decode()))
            newest = self._newest.get(source, 0)
            if self._cut and not newest and sequence > 1:
                continue  # what came before it is lost: it is said again with that
            if sequence > newest + 1:
                self.wrong.append(f"{topic}: {id} follows version {newest}")
            self.repeats += sequence <= newest
            self._newest[source] = max(newest, sequence)
            self.values[service].setdefault(id, hash(record.value))

    def differences(self, mirror: Mirror) -> Iterator[str]:
        """What is in a log and not on its topic, or the other way round, or there with another value."""
        yield from self.wrong
        for service, stream in mirror.streams.items():
            there = self.values[service]
            if missing := stream.values.keys() - there.keys():
                yield f"{len(missing)} events of {service} are not on its topic, {min(missing)} among them"
            if foreign := there.keys() - stream.values.keys():
                yield f"{len(foreign)} messages of {service} are not in its log, {min(foreign)} among them"
            if changed := [id for id, value in there.items() if stream.values.get(id, value) != value]:
                yield f"{len(changed)} messages of {service} say something else than its log, {min(changed)} among them"


async def behind_its_topic(kafka: str, groups: Mapping[str, str]) -> list[str]:
    """Which of these consumer groups have not committed all that is on their topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    reader = AIOKafkaConsumer(bootstrap_servers=kafka)
    await admin.start()
    try:
        await reader.start()
        found = []
        for group, topic in groups.items():
            ends = await reader.end_offsets([TopicPartition(topic, number) for number in range(_PARTITIONS)])
            kept = await admin.list_consumer_group_offsets(group)
            left = sum(end - max(kept[part].offset if part in kept else 0, 0) for part, end in ends.items())
            found += [f"{group} has {left} messages to read"] if left else []
        return found
    finally:
        await reader.stop()
        await admin.close()


async def dead_letters(kafka: str) -> Mapping[str, Sequence[Any]]:
    """All messages of all dead-letter topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.endswith(".dlt")]
    finally:
        await admin.close()
    return {name: await _all(kafka, name) for name in names}


async def _all(kafka: str, topic: str) -> Sequence[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(topic, 0)]  # a dead-letter topic has one
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        consumer.seek(parts[0], 0)
        found: list[Any] = []
        while [part for part, end in ends.items() if await consumer.position(part) < end]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()
