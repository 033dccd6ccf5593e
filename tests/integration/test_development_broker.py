"""The development broker before the clients that Carelog and its subscribers use: aiokafka, librdkafka, FastStream."""

import asyncio
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor as RoundRobin
from confluent_kafka import Consumer, Message, Producer
from faststream.kafka import KafkaBroker

from deploy.embedded.broker import Broker, Limits

TREE = Path(__file__).parents[2]
PARTITIONS = 12
IMPATIENT = Limits(min_session_timeout_ms=500)


async def eventually(condition: Callable[[], bool], *, within: float = 20) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - it comes true inside the clients, which have no event for it
            await asyncio.sleep(0.02)


def holds_everything(consumer: AIOKafkaConsumer) -> bool:
    return len(consumer.assignment()) == PARTITIONS


class BrokerProcess:
    """The broker as `make demo` runs it, to be killed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = "0"

    async def start(self) -> None:
        arguments = ("-m", "deploy.embedded.broker", "--data", str(self._data), "--port", self._port)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=TREE, stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.greeting = (await self.process.stdout.readline()).decode()
        found = re.search(r"127\.0\.0\.1:(\d+)", self.greeting)
        assert found
        self._port = found[1]

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(data=tmp_path, limits=IMPATIENT) as running:
        yield running


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[BrokerProcess]:
    running = BrokerProcess(tmp_path)
    await running.start()
    yield running
    if running.process.returncode is None:
        await running.kill()


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topic(bootstrap: str, name: str = "events", partitions: int = PARTITIONS) -> None:
    async with admin(bootstrap) as client:
        await client.create_topics([NewTopic(name, partitions, 1)])


def producing(bootstrap: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)


def reader(bootstrap: str, *topics: str, group: str | None = "readers", **settings: object) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **{"session_timeout_ms": 1000, "heartbeat_interval_ms": 100, "metadata_max_age_ms": 1000, **settings},
    )


async def take(consumer: AIOKafkaConsumer, count: int) -> list[ConsumerRecord[bytes, bytes]]:
    taken: list[ConsumerRecord[bytes, bytes]] = []
    async with asyncio.timeout(20):
        while len(taken) < count:
            batches = await consumer.getmany(timeout_ms=1000, max_records=count - len(taken))
            taken += [record for records in batches.values() for record in records]
    return taken


async def everything(bootstrap: str, partitions: int) -> dict[int, list[ConsumerRecord[bytes, bytes]]]:
    places = [TopicPartition("events", index) for index in range(partitions)]
    async with reader(bootstrap, group=None) as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records = await take(consumer, sum(ends.values()))
    return {index: [record for record in records if record.partition == index] for index in range(partitions)}


async def test_members_share_the_partitions_as_they_come_and_go(broker: Broker) -> None:
    await create_topic(broker.bootstrap)
    async with reader(broker.bootstrap, "events") as first:
        await eventually(partial(holds_everything, first))
        async with reader(broker.bootstrap, "events") as second:
            await eventually(lambda: (len(first.assignment()), len(second.assignment())) == (6, 6))
            assert not first.assignment() & second.assignment()
            async with admin(broker.bootstrap) as client:
                (answer,) = await client.describe_consumer_groups(["readers"])
                assert (answer.groups[0][2], len(answer.groups[0][5])) == ("Stable", 2)
        await eventually(partial(holds_everything, first))


SILENT_MEMBER = """
import sys
from confluent_kafka import Consumer
settings = {"bootstrap.servers": sys.argv[1], "group.id": "readers", "session.timeout.ms": 1000,
            "heartbeat.interval.ms": 100, "partition.assignment.strategy": "roundrobin"}
consumer = Consumer(settings)
consumer.subscribe(["events"])
while True:
    consumer.poll(0.1)
"""


async def test_a_third_member_takes_over_from_one_that_died(broker: Broker) -> None:
    await create_topic(broker.bootstrap)
    doomed = await asyncio.create_subprocess_exec(sys.executable, "-c", SILENT_MEMBER, broker.bootstrap)
    try:
        async with reader(broker.bootstrap, "events", partition_assignment_strategy=[RoundRobin]) as first:
            await eventually(lambda: len(first.assignment()) == PARTITIONS // 2)
            doomed.kill()
            async with reader(broker.bootstrap, "events", partition_assignment_strategy=[RoundRobin]) as third:
                await eventually(lambda: len(first.assignment()) == len(third.assignment()) == PARTITIONS // 2)
                assert len(first.assignment() | third.assignment()) == PARTITIONS
    finally:
        if doomed.returncode is None:
            await doomed.wait()


async def test_librdkafka_produces_and_consumes(process: BrokerProcess) -> None:
    await create_topic(process.bootstrap)
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": process.bootstrap, "enable.idempotence": True, "linger.ms": 1})
    for number in range(5000):
        producer.produce("events", str(number), key=str(number % 50), on_delivery=lambda error, _: errors.append(error))
    assert await asyncio.to_thread(producer.flush, 20) == 0
    assert errors == [None] * 5000
    received = await asyncio.to_thread(_consume_with_librdkafka, process.bootstrap, 5000)
    assert sorted(int(message.value() or b"") for message in received) == list(range(5000))


def _consume_with_librdkafka(bootstrap: str, count: int) -> list[Message]:
    settings = {"bootstrap.servers": bootstrap, "group.id": "native", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe(["events"])
    received: list[Message] = []
    while len(received) < count:
        received += consumer.consume(count - len(received), timeout=5)
    consumer.close()
    return received


async def test_a_faststream_batch_subscriber_receives_what_is_published(broker: Broker) -> None:
    await create_topic(broker.bootstrap)
    stream = KafkaBroker(broker.bootstrap)
    received: list[str] = []

    @stream.subscriber("events", group_id="stream", batch=True, auto_offset_reset="earliest")
    async def receive(messages: list[str]) -> None:
        received.extend(messages)

    async with stream:
        await stream.start()
        await stream.publish_batch(*(f"message {number}" for number in range(50)), topic="events")
        await eventually(lambda: len(received) == 50)
    assert sorted(received) == sorted(f"message {number}" for number in range(50))


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill_nine(process: BrokerProcess) -> None:
    await create_topic(process.bootstrap, partitions=3)
    acknowledged: dict[tuple[int, int], bytes] = {}

    async def produce(producer: AIOKafkaProducer, partition: int) -> None:
        for number in range(400):
            value = f"{partition}-{number}".encode()
            sent = await producer.send_and_wait("events", value, partition=partition)
            acknowledged[partition, sent.offset] = value

    async with producing(process.bootstrap) as producer, asyncio.TaskGroup() as tasks:
        for partition in range(3):
            tasks.create_task(produce(producer, partition))
        for milestone in ((0, 100), (2, 300)):
            await eventually(partial(acknowledged.__contains__, milestone))
            await process.kill()
            await process.start()
    stored = await everything(process.bootstrap, 3)
    for partition, records in stored.items():
        assert [record.offset for record in records] == list(range(400))
        assert [record.value for record in records] == [f"{partition}-{number}".encode() for number in range(400)]
        assert all(acknowledged[partition, record.offset] == record.value for record in records)


async def test_librdkafka_with_five_batches_in_flight_outlives_kill_nine(process: BrokerProcess) -> None:
    await create_topic(process.bootstrap, partitions=3)
    producer = Producer({"bootstrap.servers": process.bootstrap, "enable.idempotence": True, "batch.num.messages": 20})
    errors: list[object] = []
    under_way = threading.Event()

    def count(error: object, _: Message) -> None:
        errors.append(error)
        if len(errors) > 1000:
            under_way.set()

    def produce() -> None:
        for number in range(30_000):
            producer.produce("events", str(number), partition=number % 3, on_delivery=count)
            producer.poll(0)
        producer.flush(30)

    producing_thread = asyncio.create_task(asyncio.to_thread(produce))
    await asyncio.to_thread(under_way.wait, 20)
    await process.kill()
    assert len(errors) < 30_000
    await process.start()
    await producing_thread
    assert errors == [None] * 30_000
    for partition, records in (await everything(process.bootstrap, 3)).items():
        assert [int(record.value or b"") for record in records] == list(range(partition, 30_000, 3))


async def test_committed_offsets_survive_kill_nine(process: BrokerProcess) -> None:
    await create_topic(process.bootstrap, partitions=1)
    async with producing(process.bootstrap) as producer:
        for _ in range(5):
            await producer.send_and_wait("events", b"", partition=0)
    async with reader(process.bootstrap, "events", session_timeout_ms=6000) as consumer:
        await take(consumer, 3)
        await consumer.commit()
        await process.kill()
        await process.start()
        assert (await take(consumer, 1))[0].offset == 3  # the member joins again by itself
        assert await consumer.committed(TopicPartition("events", 0)) == 3


async def test_many_idle_groups_cost_next_to_nothing(process: BrokerProcess) -> None:
    await create_topic(process.bootstrap)
    async with AsyncExitStack() as groups:
        for number in range(25):
            consumer = reader(process.bootstrap, "events", group=f"group-{number}", session_timeout_ms=6000)
            await groups.enter_async_context(consumer)
            await eventually(partial(holds_everything, consumer))
        server = psutil.Process(process.process.pid)
        before = server.cpu_times()
        await asyncio.sleep(3)  # a rate needs a span of time
        after = server.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.25 * 3
        assert server.memory_info().rss < 60 * 2**20


async def test_it_says_what_it_is_and_stops_at_once_when_asked(process: BrokerProcess) -> None:
    for limitation in ("development only", "no replication", "no transactions", "no access control"):
        assert limitation in process.greeting
    async with reader(process.bootstrap, fetch_max_wait_ms=60_000, group=None):
        async with asyncio.timeout(3):
            assert await process.terminate() == 0
