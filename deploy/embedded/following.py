"""Follows the topics of a running system, for a person who wants to see what is said."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError

from deploy.trouble import Trouble
from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Envelope, from_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    envelope: Envelope
    payload: bytes


async def follow(*, bootstrap: str, services: Sequence[str], from_the_beginning: bool) -> AsyncIterator[Said]:
    """Each message of these services' topics, as it comes; without a group, so nobody's reading is disturbed."""
    offset = "earliest" if from_the_beginning else "latest"
    topics = [topic_of(service) for service in services]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset=offset)
    try:
        await consumer.start()
    except (KafkaConnectionError, UnknownTopicOrPartitionError):
        await consumer.stop()
        raise Trouble(f"The broker at {bootstrap} does not answer.") from None
    try:
        async for record in consumer:
            yield Said(envelope=from_headers(record.headers, key=record.key), payload=record.value or b"")
    finally:
        await consumer.stop()
