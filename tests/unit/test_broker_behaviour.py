"""The development broker as its clients meet it: what it answers, and what it does where it cannot."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, KafkaStorageError, MessageSizeTooLargeError, TopicAlreadyExistsError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.embedded.broker import Broker, DataInUse, Limits, NotLoopback
from deploy.embedded.broker.errors import ErrorCode

API_VERSIONS = b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff"
KIBIBYTE = b"x" * 1024


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(data=tmp_path) as running:
        yield running


@asynccontextmanager
async def admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topics(broker: Broker, *names: str) -> None:
    async with admin(broker) as client:
        await client.create_topics([NewTopic(name, 1, 1) for name in names])


def producing(broker: Broker) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True)


async def exchange(broker: Broker, sent: bytes) -> bytes:
    """What comes back until the broker closes, or has answered ApiVersions."""
    host, port = broker.bootstrap.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    try:
        async with asyncio.timeout(5):
            return await (reader.read(8) if sent == API_VERSIONS else reader.read())
    finally:
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x0a\x00\x63\x00\x00\x00\x00\x00\x01\xff\xff",
        b"\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff\xff\xff",
    ],
    ids=["http", "tls", "negative length", "unknown request", "array beyond the frame"],
)
async def test_bad_bytes_end_their_connection_with_one_line_and_nothing_else(
    broker: Broker, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="deploy.embedded.broker"):
        assert await exchange(broker, sent) == b""
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert await exchange(broker, API_VERSIONS) != b""


async def fill(broker: Broker, topic: str) -> int:
    """How many times 32 KiB there was room for."""
    impatient = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", request_timeout_ms=500)
    stored = 0
    async with impatient:
        with suppress(KafkaStorageError):
            while True:
                await impatient.send_and_wait(topic, KIBIBYTE * 32)
                stored += 1
    return stored


async def test_a_full_disk_is_not_acknowledged_and_work_goes_on_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Broker(data=tmp_path, max_bytes=2**20) as broker, producing(broker) as producer:
        await create_topics(broker, "ballast", "events")
        stored = await fill(broker, "ballast")
        assert 10 < stored < 32
        held_up = await producer.send("events", KIBIBYTE * 32)
        async with admin(broker) as client:
            await client.delete_topics(["ballast"])
        assert (await held_up).offset == 0
    said = {record.getMessage() for record in caplog.records if record.name.startswith("deploy.embedded.broker")}
    assert said == {"cannot store what producers send: database or disk is full"}


async def test_a_second_broker_is_kept_from_the_file(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(DataInUse):
        async with Broker(data=tmp_path):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_it_listens_on_loopback_only(host: str, tmp_path: Path) -> None:
    with pytest.raises(NotLoopback):
        Broker(data=tmp_path, host=host)


async def test_a_transaction_is_refused_at_once(broker: Broker) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="transfer")
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()


async def test_topics_are_created_described_and_deleted(broker: Broker) -> None:
    async with admin(broker) as client:
        await client.create_topics([NewTopic("events", 12, 1, topic_configs={"max.message.bytes": "2000"})])
        (described,) = await client.describe_topics(["events"])
        assert [partition["leader"] for partition in described["partitions"]] == [1] * 12
        (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "events")])
        assert {entry[0]: entry[1] for entry in answer.resources[0][4]}["max.message.bytes"] == "2000"
        again = await client.create_topics([NewTopic("events", 12, 1)])
        assert again.topic_errors[0][1] == TopicAlreadyExistsError.errno
        await client.delete_topics(["events"])
        assert await client.list_topics() == []


async def test_a_message_larger_than_its_topic_takes_is_refused(broker: Broker) -> None:
    async with admin(broker) as client, producing(broker) as producer:
        await client.create_topics([NewTopic("events", 1, 1, topic_configs={"max.message.bytes": "2000"})])
        await producer.send_and_wait("events", KIBIBYTE)
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait("events", KIBIBYTE * 2)


async def test_topics_come_into_being_on_first_use_only_where_that_is_wanted(broker: Broker, tmp_path: Path) -> None:
    limits = Limits(auto_create_partitions=3)
    async with Broker(data=tmp_path / "other", limits=limits) as generous, producing(generous) as producer:
        await producer.send_and_wait("events", b"")
        assert await producer.partitions_for("events") == {0, 1, 2}
    async with admin(broker) as client:
        (described,) = await client.describe_topics(["events"])
        assert described["error_code"] == 3


async def test_groups_are_listed_described_and_deleted(broker: Broker) -> None:
    await create_topics(broker, "events")
    async with AIOKafkaConsumer("events", bootstrap_servers=broker.bootstrap, group_id="readers") as reader:
        await reader.commit()
        assert await asyncio.to_thread(deletion_of, broker, "readers") == ErrorCode.NON_EMPTY_GROUP
    async with admin(broker) as client:
        assert await client.list_consumer_groups() == [("readers", "consumer")]
        (described,) = await client.describe_consumer_groups(["readers"])
        assert described.groups[0][2] == "Empty"
        assert await asyncio.to_thread(deletion_of, broker, "readers") is None
        assert await asyncio.to_thread(deletion_of, broker, "readers") == ErrorCode.GROUP_ID_NOT_FOUND
        assert await client.list_consumer_groups() == []


def deletion_of(broker: Broker, group: str) -> int | None:
    """None, or the error's code. (aiokafka's client cannot ask for this.)"""
    client = AdminClient({"bootstrap.servers": broker.bootstrap})
    try:
        client.delete_consumer_groups([group])[group].result(timeout=5)
    except KafkaException as refused:
        return int(refused.args[0].code())
    return None
