"""The relay: publishes the log in its order, and saves its position only after every broker acknowledgement.

At least once: what was published before a crash and not saved is published again, and consumers know it by its
version. One relay a log is active (advisory lock); a second one waits, and would be harmless.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Contract, to_headers
from shared.kernel import Unavailable
from shared.runtime.bus.topics import MESSAGE_BYTES, PARTITIONS
from shared.runtime.json import dumps
from shared.runtime.log import Log
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher
from shared.runtime.telemetry import continued_from, current_traceparent, span

_BATCH = 1_000
_POLL = 0.2
_PAUSE = 1.0
_LOG = logging.getLogger(__name__)


@lru_cache(maxsize=8_192)
def partition_of(key: str) -> int:
    """Kafka's own choice (murmur2), so that a patient has the same partition in every topic and for every producer."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


class Relay:
    """Publishes one service's log. `run` goes on until cancelled: a broker or database that is away is waited for."""

    def __init__(self, *, log: Log, publisher: Publisher, bootstrap: str) -> None:
        self._log = log
        self._publisher = publisher
        self._bootstrap = bootstrap
        self._appended = asyncio.Event()
        self.position = 0
        self.active = False

    async def run(self) -> None:
        while True:
            try:
                await self._relay()
            except (KafkaError, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                _LOG.warning("the relay is interrupted", extra={"error": type(error).__name__})
            except Exception:  # noqa: BLE001 - said aloud, and tried again: the log waits
                _LOG.exception("the relay cannot publish", extra={"position": self.position})
            self.active = False
            await asyncio.sleep(_PAUSE)

    async def _relay(self) -> None:
        connection = await self._log.connect()
        try:
            await _only_one(connection)
            await connection.add_listener("carelog_appended", lambda *_: self._appended.set())
            self.position = await connection.fetchval("SELECT position FROM relay")
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                max_batch_size=MESSAGE_BYTES,
                max_request_size=4 * MESSAGE_BYTES,
            )
            await producer.start()
            try:
                await self._follow(connection, producer)
            finally:
                await producer.stop()
        finally:
            await connection.close()

    async def _follow(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        self.active = True
        while True:
            stored = await self._log.after(self.position, limit=_BATCH)
            if stored:
                await self._publish(producer, stored)
                await connection.execute("UPDATE relay SET position = $1", stored[-1].position)
                self.position = stored[-1].position
            else:
                await self._until_appended()

    async def _until_appended(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL):  # `wait_for` can lose a cancellation that comes with the event
                await self._appended.wait()
        self._appended.clear()

    async def _publish(self, producer: AIOKafkaProducer, stored: Sequence[Stored]) -> None:
        """Each partition's messages in their order; returns when all of them are acknowledged."""
        waiting: list[asyncio.Future[object]] = []
        parted: dict[tuple[str, int], list[Stored]] = {}
        for one in stored:
            parted.setdefault((topic_of(one.topic), partition_of(str(one.key))), []).append(one)
        for (topic, partition), events in parted.items():
            waiting += await self._send(producer, topic, partition, events)
        await asyncio.gather(*waiting)

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, events: Sequence[Stored]
    ) -> list[asyncio.Future[object]]:
        sent = []
        batch = producer.create_batch()
        for event in events:
            key, value, headers = self._message(event)
            while batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                if not batch.record_count():
                    raise RuntimeError(f"event {event.id} does not fit into a message")
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
        sent.append(await producer.send_batch(batch, topic, partition=partition))
        return sent

    def _message(self, stored: Stored) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
        with continued_from(stored.trace), span("publish", event=stored.id, type=stored.name):
            contract = self._publisher.contract(stored)
            headers = to_headers(contract.envelope, traceparent=current_traceparent())
            return str(stored.key).encode(), value_of(contract), headers


def value_of(contract: Contract) -> bytes:
    """A message's value: the contract's JSON."""
    return dumps(contract)


async def _only_one(connection: asyncpg.Connection) -> None:
    """Returns when this session is the log's relay; until then it waits in the database."""
    await connection.execute("SELECT pg_advisory_lock(4772212)", timeout=3600)
