"""A service with everything that moves: its doors, its relay and its workers in this process, over a broker.

The broker is the development one, in this process too. Nobody sleeps: whoever expects something awaits it.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.broker import Broker
from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Contract, to_headers
from shared.runtime.bus.relay import partition_of, value_of
from shared.runtime.bus.topics import PARTITIONS, ensure_topics
from shared.runtime.bus.wire import Record
from shared.runtime.runtime import TOPICS
from shared.runtime.service import Service
from shared.runtime.workers import background
from tests.support.running import Running, running

Headers = Iterable[tuple[str, bytes | None]]


async def eventually(condition: Callable[[], Any | Awaitable[Any]], *, within: float = 30) -> Any:
    """What the condition says once it says something; a failure after so many seconds."""
    async with asyncio.timeout(within):
        while not (said := await _said(condition())):  # noqa: ASYNC110 - it comes true elsewhere, without an event
            await asyncio.sleep(0.02)
    return said


async def _said(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


@dataclass
class Bus:
    """A broker with the topics of all services, and somebody who says and hears everything on them."""

    bootstrap: str
    producer: AIOKafkaProducer = field(repr=False)

    async def say(self, *contracts: Contract) -> None:
        """As their services' relays would: each is on its topic when this returns."""
        for contract in contracts:
            envelope = contract.envelope
            await self.put(value_of(contract), to_headers(envelope), topic=topic_of(envelope.service), key=envelope.key)

    async def put(
        self, value: bytes | None, headers: Headers, *, topic: str = "carelog.records.v1", key: str = "someone"
    ) -> None:
        """Any message, whatever it is."""
        await self.producer.send_and_wait(
            topic, value, key=key.encode(), partition=partition_of(key), headers=list(headers)
        )

    async def heard(self, topic: str = "carelog.records.v1", *, partitions: int = PARTITIONS) -> list[Record]:
        """All messages of a topic that are there now, partition by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, auto_offset_reset="earliest")
        await consumer.start()
        try:
            return await _all(consumer, [TopicPartition(topic, n) for n in range(partitions)])
        finally:
            await consumer.stop()


async def _all(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> list[Any]:
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    found: dict[TopicPartition, list[Any]] = {one: [] for one in partitions}
    while sum(map(len, found.values())) < sum(ends.values()):
        for one, records in (await consumer.getmany(timeout_ms=200)).items():
            found[one] += records
    return [record for one in partitions for record in found[one]]


@asynccontextmanager
async def a_bus(folder: Path, *, port: int = 0) -> AsyncIterator[Bus]:
    """A broker on what the folder holds, at this port, or any."""
    async with Broker(data=folder, port=port) as broker:
        await ensure_topics(bootstrap=broker.bootstrap, names=TOPICS, replicas=1)
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", max_request_size=4_000_000)
        await producer.start()
        try:
            yield Bus(broker.bootstrap, producer)
        finally:
            await producer.stop()


@asynccontextmanager
async def working(
    service: Service, *, database: str, bus: Bus, home: Path, roles: Sequence[str] = ("relay", "worker"), **more: Any
) -> AsyncIterator[Running]:
    """The service with its doors and, as its roles say, its relay and its workers."""
    async with running(service, database=database, home=home, kafka=bus.bootstrap, **more) as it:
        makes: Mapping[str, Callable[[], Any]] = {"relay": it.runtime.make_relay, "worker": it.runtime.make_workers}
        async with AsyncExitStack() as stack:
            for role in roles:
                await stack.enter_async_context(background(makes[role]().run(), role))
            yield it
