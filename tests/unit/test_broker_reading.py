"""Reading from the development broker: from where, how long one waits, and how much comes at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.broker import Broker, Limits

PLACE = TopicPartition("events", 0)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(data=tmp_path, limits=Limits(auto_create_partitions=1)) as running:
        yield running


def producing(broker: Broker, **settings: int) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True, **settings)


def reading(broker: Broker, **settings: str | int | bool) -> AIOKafkaConsumer:
    chosen = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    return AIOKafkaConsumer("events", bootstrap_servers=broker.bootstrap, **chosen)


async def values(reader: AIOKafkaConsumer, count: int) -> list[bytes | None]:
    async with asyncio.timeout(10):
        return [(await reader.getone()).value for _ in range(count)]


async def test_a_group_goes_on_where_it_committed(broker: Broker) -> None:
    async with producing(broker) as producer:
        for number in range(6):
            await producer.send_and_wait("events", b"%d" % number)
    async with reading(broker, group_id="readers") as reader:
        assert await values(reader, 2) == [b"0", b"1"]
        await reader.commit()
        assert await values(reader, 2) == [b"2", b"3"]
    async with reading(broker, group_id="readers") as reader:
        assert await values(reader, 2) == [b"2", b"3"]
        assert await reader.committed(PLACE) == 2


async def test_a_reader_seeks_to_an_offset_and_to_a_time(broker: Broker) -> None:
    async with producing(broker, linger_ms=20) as producer:
        sent = [await producer.send("events", b"%d" % number, timestamp_ms=1000 + number) for number in range(5)]
        await asyncio.gather(*sent)
    async with reading(broker) as reader:
        reader.seek(PLACE, 3)
        assert await values(reader, 2) == [b"3", b"4"]
        found = await reader.offsets_for_times({PLACE: 1002})
        assert (found[PLACE].offset, found[PLACE].timestamp) == (2, 1002)
        assert await reader.offsets_for_times({PLACE: 2000}) == {PLACE: None}
        assert await reader.beginning_offsets([PLACE]) == {PLACE: 0}
        assert await reader.end_offsets([PLACE]) == {PLACE: 5}


async def test_an_offset_that_does_not_exist_resets_the_reader(broker: Broker) -> None:
    async with producing(broker) as producer, reading(broker) as reader:
        await producer.send_and_wait("events", b"only")
        reader.seek(PLACE, 99)
        assert await values(reader, 1) == [b"only"]


async def test_a_batch_larger_than_a_reader_takes_at_once_still_reaches_it(broker: Broker) -> None:
    large = b"x" * 100_000
    async with producing(broker) as producer, reading(broker, max_partition_fetch_bytes=1000) as reader:
        for value in (large, b"small"):
            await producer.send_and_wait("events", value)
        assert await values(reader, 2) == [large, b"small"]


async def test_a_waiting_reader_is_woken_by_the_append(broker: Broker) -> None:
    async with reading(broker, fetch_max_wait_ms=60_000) as patient, producing(broker) as producer, asyncio.timeout(5):
        for number in range(3):
            waiting = asyncio.create_task(patient.getone())
            await producer.send_and_wait("events", str(number).encode())
            assert (await waiting).value == str(number).encode()
