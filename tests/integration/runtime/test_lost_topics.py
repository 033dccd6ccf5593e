"""A topic that is deleted or cut off is made whole again from its log, without anybody's help. Over Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from shared.contracts.envelope import from_headers
from shared.runtime.bus.relay import Relay
from shared.runtime.bus.topics import PARTITIONS, ensure_topics
from shared.runtime.workers import background
from tests.integration.runtime.asking import opened
from tests.support.counters import service
from tests.support.engines.engine import EngineUnavailable, skip_or_fail
from tests.support.engines.kafka import NativeKafka
from tests.support.harness import Bus, eventually
from tests.support.running import Running, running

pytestmark = pytest.mark.slow
TOPIC = "carelog.records.v1"


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Nobody else's topics are lost."""
    engine = NativeKafka(home=tmp_path_factory.mktemp("kafka"))
    try:
        engine.start()
    except EngineUnavailable as unavailable:
        skip_or_fail(reason=str(unavailable))
    yield engine.address
    engine.stop()


@pytest.fixture
async def bus(own_kafka: str) -> AsyncIterator[Bus]:
    async with admin(own_kafka) as client:
        await client.delete_topics([TOPIC])
        await eventually(lambda: is_gone(client))
    await ensure_topics(bootstrap=own_kafka, names=[TOPIC], replicas=1)
    producer = AIOKafkaProducer(bootstrap_servers=own_kafka)
    await producer.start()
    yield Bus(own_kafka, producer)
    await producer.stop()


@pytest.fixture
async def it(database: str, bus: Bus, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(service, database=database, home=tmp_path, kafka=bus.bootstrap) as it:
        yield it


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.watch._LOOK", 0.5)


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    yield client
    await client.close()


async def is_gone(client: AIOKafkaAdminClient) -> bool:
    return TOPIC not in await client.list_topics()


async def whole(bus: Bus, it: Running) -> bool:
    """Every event of the log is on the topic, those of each aggregate in order."""
    seen: dict[UUID, int] = {}
    for record in await heard(bus):
        envelope = from_headers(record.headers, key=record.key)
        if envelope.sequence == seen.get(envelope.subject, 0) + 1:
            seen[envelope.subject] = envelope.sequence
    return sum(seen.values()) == await it.runtime.log.head()


async def heard(bus: Bus) -> list[Any]:
    """What is there; nothing while the topic is being deleted or made."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.bootstrap, group_id=None)
    await consumer.start()
    try:
        async with asyncio.timeout(3):
            return await _all(consumer)
    except (TimeoutError, KafkaError):
        return []
    finally:
        await consumer.stop()


async def _all(consumer: AIOKafkaConsumer) -> list[Any]:
    partitions = [TopicPartition(TOPIC, n) for n in range(PARTITIONS)]
    consumer.assign(partitions)
    first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    found: dict[TopicPartition, list[Any]] = {one: [] for one in partitions}
    while sum(map(len, found.values())) < sum(ends.values()) - sum(first.values()):
        for one, records in (await consumer.getmany(timeout_ms=200)).items():
            found[one] += records
    return [record for one in partitions for record in found[one]]


async def delete(bus: Bus) -> None:
    async with admin(bus.bootstrap) as client:
        await client.delete_topics([TOPIC])


async def cut(bus: Bus) -> None:
    async with admin(bus.bootstrap) as client:
        end = {TopicPartition(TOPIC, n): RecordsToDelete(before_offset=-1) for n in range(PARTITIONS)}
        await client.delete_records(end)


async def kept_for(bus: Bus, milliseconds: int) -> None:
    async with admin(bus.bootstrap) as client:
        await client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": str(milliseconds)})]
        )


@asynccontextmanager
async def told(it: Running, bus: Bus) -> AsyncIterator[Relay]:
    """A relay that has told some events."""
    relay = it.runtime.make_relay()
    async with background(relay.run(), "relay"):
        for _ in range(5):
            await opened(it, counts=3)
        await eventually(lambda: whole(bus, it))
        yield relay


@pytest.mark.parametrize("lose", [delete, cut])
async def test_what_was_lost_while_nobody_speaks_is_said_again(
    it: Running, bus: Bus, lose: Callable[[Bus], Awaitable[None]]
) -> None:
    async with told(it, bus) as relay:
        await lose(bus)
        await eventually(lambda: relay.published >= 40)
        await eventually(lambda: whole(bus, it))
        assert relay.published == 40
        await eventually(lambda: relay.trouble is None)


async def test_what_was_lost_while_commands_go_on_is_said_again(it: Running, bus: Bus) -> None:
    async with told(it, bus) as relay:
        deleting = asyncio.create_task(delete(bus))
        for _ in range(20):
            await opened(it, counts=3)
        await deleting
        await eventually(lambda: whole(bus, it), within=60)
        await eventually(lambda: relay.age == 0)


async def test_what_was_lost_while_no_relay_ran_is_said_again(it: Running, bus: Bus) -> None:
    async with told(it, bus):
        pass
    await delete(bus)
    async with background(it.runtime.make_relay().run(), "another"):
        await eventually(lambda: whole(bus, it))


async def test_a_topic_that_does_not_keep_what_it_is_told_is_for_a_person_to_mend(it: Running, bus: Bus) -> None:
    async with told(it, bus) as relay:
        await kept_for(bus, 3_600_000)
        await cut(bus)
        await eventually(lambda: relay.trouble)
        assert relay.trouble == f"{TOPIC} does not keep its messages for ever, and has lost its beginning"
        assert relay.published == 20

        await kept_for(bus, -1)
        await eventually(lambda: whole(bus, it))
        assert relay.published == 40
