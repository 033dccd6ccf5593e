"""Idempotent producers of the development broker: a batch sent again is not stored again, and none is left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.broker.batch import RecordBatch
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.storage.committer import Committer
from deploy.embedded.broker.storage.database import open_for_reading, open_for_writing
from deploy.embedded.broker.storage.log import Log
from deploy.embedded.broker.storage.offsets import ProducerIds
from deploy.embedded.broker.storage.topics import Partition, Topics, stored_topics

LAST_SEQUENCE = 2**31 - 1


class Store:
    def __init__(self, path: Path) -> None:
        writing = open_for_writing(path=path, max_bytes=None)
        stored = stored_topics(connection=writing)
        self.committer = Committer(connection=writing)
        self.topics = Topics(committer=self.committer, stored=stored)
        self.log = Log(committer=self.committer, connection=open_for_reading(path=path))
        self.producer_ids = ProducerIds(committer=self.committer)

    @property
    def partition(self) -> Partition:
        partition = self.topics.partition(topic="events", index=0)
        assert partition is not None
        return partition

    async def append(self, batch: RecordBatch) -> int:
        return await self.log.append(partition=self.partition, batch=batch)

    async def refusal(self, batch: RecordBatch) -> ErrorCode:
        with pytest.raises(Refused) as refused:
            await self.append(batch)
        return refused.value.code


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    store = Store(path)
    try:
        yield store
    finally:
        store.log.close()
        await store.committer.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "log") as it:
        await it.topics.create(name="events", partitions=1, configs={})
        yield it


async def batch(store: Store, *, sequence: int = 0, records: int = 2, epoch: int = 0) -> RecordBatch:
    producer_id = await store.producer_ids.next()
    return RecordBatch(b"\0" * 61, records, 0, False, producer_id, epoch, sequence)


async def test_batches_in_sequence_get_offsets_without_holes(store: Store) -> None:
    first = await batch(store, records=3)
    assert await store.append(first) == 0
    assert await store.append(replace(first, base_sequence=3)) == 3
    assert store.partition.high_watermark == 6


async def test_a_batch_sent_again_is_answered_with_its_first_offset(store: Store) -> None:
    first = await batch(store)
    second = replace(first, base_sequence=2)
    assert [await store.append(it) for it in (first, second, first, second)] == [0, 2, 0, 2]
    assert store.partition.high_watermark == 4


async def test_two_copies_of_a_batch_under_way_at_once_are_stored_once(store: Store) -> None:
    first = await batch(store)
    assert await asyncio.gather(*(store.append(first) for _ in range(10))) == [0] * 10
    assert store.partition.high_watermark == 2


async def test_a_batch_after_a_gap_is_out_of_order(store: Store) -> None:
    first = await batch(store)
    await store.append(first)
    assert await store.refusal(replace(first, base_sequence=3)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert await store.refusal(replace(first, records=1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


async def test_a_producer_begins_with_its_first_batch(store: Store) -> None:
    """Else the second of two batches in flight would be stored when the first has failed."""
    assert await store.refusal(await batch(store, sequence=2)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


async def test_sequence_numbers_wrap_to_zero(tmp_path: Path) -> None:
    async with opened(tmp_path / "log") as store:
        older_than_topic = await batch(store, sequence=LAST_SEQUENCE - 1)
        await store.topics.create(name="events", partitions=1, configs={})
        assert await store.append(older_than_topic) == 0
        assert await store.append(replace(older_than_topic, base_sequence=0)) == 2


async def test_a_newer_epoch_begins_again_and_fences_the_older_one(store: Store) -> None:
    first = await batch(store)
    await store.append(first)
    newer = replace(first, producer_epoch=1)
    assert await store.refusal(replace(newer, base_sequence=2)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert await store.append(newer) == 2
    assert await store.refusal(replace(first, base_sequence=2)) is ErrorCode.INVALID_PRODUCER_EPOCH


async def test_sequences_survive_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "log") as store:
        await store.topics.create(name="events", partitions=1, configs={})
        first = await batch(store)
        await store.append(first)
    async with opened(tmp_path / "log") as store:
        assert await store.append(first) == 0
        assert await store.refusal(replace(first, base_sequence=9)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert await store.append(replace(first, base_sequence=2)) == 2
        assert await store.producer_ids.next() > first.producer_id


async def test_a_producer_goes_on_when_its_topic_is_made_anew(store: Store) -> None:
    first = await batch(store)
    await store.append(first)
    await store.topics.delete(name="events")
    await store.topics.create(name="events", partitions=1, configs={})
    assert await store.append(replace(first, base_sequence=2)) == 0


async def test_a_batch_for_a_topic_that_is_being_deleted_is_refused(store: Store) -> None:
    late = await batch(store)
    partition = store.partition
    await store.topics.delete(name="events")
    with pytest.raises(Refused) as refused:
        await store.log.append(partition=partition, batch=late)
    assert refused.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
