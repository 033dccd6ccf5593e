"""Kafka itself, by aiokafka: the one place where its producer and its consumer are made."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.runtime.bus.topics import MESSAGE_BYTES
from shared.runtime.bus.wire import Inlet, Inlets, Message

_PATIENCE = 10.0
"""seconds without any acknowledgement after which the broker counts as away"""
_LAST_WORDS = 2.0
_WAIT_MS = 1_000
_SESSION_MS = 30_000
_JOINING = 60.0
"""seconds for becoming a member: a session's timeout, in which the others come or are given up, and their last work"""
_LEAVING = 10.0

Sent = asyncio.Future[Any]
Told = Callable[[int, int, int], None]


@asynccontextmanager
async def kafka_outlet(*, bootstrap: str, acknowledged: Told | None = None) -> AsyncIterator["KafkaOutlet"]:
    """An idempotent producer for as long as nothing goes wrong: after an error, open another.

    A batch that failed for good leaves a gap in the producer's numbers, and the broker refuses all that it sends to
    that partition afterwards. A new producer begins with new numbers.

    `acknowledged` hears of each batch that is: its partition, its first offset (-1: unknown), its number of messages.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=MESSAGE_BYTES,
        max_request_size=4 * MESSAGE_BYTES,
        request_timeout_ms=int(_PATIENCE * 1000),
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            await producer.start()
        yield KafkaOutlet(producer, acknowledged=acknowledged)
    finally:
        await _give_up(producer)


class KafkaOutlet:
    """Sends by the batch, a partition's batches one after the other; a retry keeps their order."""

    def __init__(self, producer: AIOKafkaProducer, *, acknowledged: Told | None = None) -> None:
        self._producer = producer
        self._acknowledged = acknowledged

    async def publish(self, parted: Mapping[tuple[str, int], Sequence[Message]]) -> None:
        """All batches are made before the first is sent, so that as few requests as can be carry them."""
        made = [(where, await self._made(messages)) for where, messages in parted.items()]
        waiting: set[Sent] = set()
        for (topic, partition), batches in made:
            async with asyncio.timeout(_PATIENCE):
                waiting |= {await self._send_batch(one, topic, partition) for one in batches}
        await _all_of(waiting)

    async def _made(self, messages: Sequence[Message]) -> list[BatchBuilder]:
        batches = [self._producer.create_batch()]
        for one in messages:
            while batches[-1].append(key=one.key, value=one.value, timestamp=None, headers=one.headers) is None:
                if not batches[-1].record_count():
                    raise RuntimeError("an event does not fit into a message")
                batches.append(self._producer.create_batch())
        await asyncio.sleep(0)  # live commands share the event loop
        return batches

    async def _send_batch(self, batch: BatchBuilder, topic: str, partition: int) -> Sent:
        count = batch.record_count()
        future: Sent = await self._producer.send_batch(batch, topic, partition=partition)
        future.add_done_callback(partial(self._came_back, partition, count))
        return future

    def _came_back(self, partition: int, count: int, sent: Sent) -> None:
        """Errors are looked at here, too: of many, only the first is raised."""
        if not sent.cancelled() and sent.exception() is None and self._acknowledged:
            self._acknowledged(partition, sent.result().offset, count)


async def _all_of(waiting: set[Sent]) -> None:
    """The client itself would try again for ever: a broker that says nothing is given up here."""
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise KafkaTimeoutError
        for one in done:
            one.result()


async def _give_up(producer: AIOKafkaProducer) -> None:
    """Ends it without what is not sent yet: its own `stop` waits for a broker that is away until that is back."""
    producer._closed = True
    with suppress(Exception):
        async with asyncio.timeout(_LAST_WORDS):
            await producer._sender.close()
    await producer.client.close()


def inlets(*, bootstrap: str, instance: str = "") -> Inlets:
    """Members of consumer groups, over FastStream's subscription (ADR 0004).

    `instance`: a name that this process keeps over its restarts and shares with no other. A member that comes back with
    it within the session timeout gets its partitions back at once, without a rebalance (static membership, KIP-345).
    """

    @asynccontextmanager
    async def joined(*, group: str, topics: Sequence[str], listener: ConsumerRebalanceListener) -> AsyncIterator[Inlet]:
        broker = KafkaBroker(bootstrap, logger=None, allow_auto_create_topics=False)
        subscriber = broker.subscriber(
            *topics,
            group_id=group,
            group_instance_id=instance or None,
            batch=True,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            session_timeout_ms=_SESSION_MS,
            fetch_max_wait_ms=_WAIT_MS,
            listener=listener,
        )
        try:
            async with asyncio.timeout(_JOINING):
                await broker.start()
            yield cast(AIOKafkaConsumer, subscriber.consumer)
        finally:
            await _leave(broker, subscriber.consumer)

    return joined


async def _leave(broker: KafkaBroker, consumer: AIOKafkaConsumer | None) -> None:
    """Says goodbye; where nobody hears it, the sockets are closed all the same."""
    try:
        async with asyncio.timeout(_LEAVING):
            await broker.stop()
    except TimeoutError:
        if consumer and consumer._fetcher:
            await consumer._fetcher.close()
        if consumer:
            await consumer._client.close()
