"""Stored events made into messages, a little at a time: live commands share the event loop with the relay."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from aiokafka.partitioner import murmur2

from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Contract
from shared.runtime.bus.topics import PARTITIONS
from shared.runtime.bus.wire import Message
from shared.runtime.json import dumps
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher
from shared.runtime.telemetry import continued_from, current_traceparent, span, tracing

MOST_BYTES = 2 * 1024 * 1024
"""of payload in one batch: what a slow link carries within the broker's patience"""
_SLICE = 32
"""messages made without letting others run"""
_SLICE_BYTES = 64 * 1024


@lru_cache(maxsize=8_192)
def partition_of(key: str) -> int:
    """Kafka's own choice (murmur2), so that a patient has the same partition in every topic and for every producer."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


def value_of(contract: Contract) -> bytes:
    """A message's value: the contract's JSON."""
    return dumps(contract)


@dataclass(slots=True)
class Batch:
    """Messages that go out together: each topic and partition's in their order."""

    last: int = 0
    """the position of the last event in it"""
    count: int = 0
    parted: dict[tuple[str, int], list[Message]] = field(default_factory=dict)

    def add(self, stored: Stored, message: Message) -> None:
        where = (topic_of(stored.topic), partition_of(str(stored.key)))
        self.parted.setdefault(where, []).append(message)
        self.last, self.count = stored.position, self.count + 1


async def batch_of(stored: Sequence[Stored], publisher: Publisher) -> Batch:
    """As many of them, from the first on, as fit into a batch."""
    batch = Batch()
    held = 0
    for number, one in enumerate(_fitting(stored), 1):
        batch.add(one, message_of(one, publisher))
        held += len(one.state)
        if number % _SLICE == 0 or held > _SLICE_BYTES:
            held = 0
            await asyncio.sleep(0)
    return batch


def _fitting(stored: Sequence[Stored]) -> Iterable[Stored]:
    sizes = accumulate(len(one.state) for one in stored)
    return (
        one for number, (one, size) in enumerate(zip(stored, sizes, strict=True)) if not number or size < MOST_BYTES
    )


def message_of(stored: Stored, publisher: Publisher) -> Message:
    """Raises `KeyError` for an event that its service does not publish."""
    return Message(
        str(stored.key).encode(), publisher.value(stored), publisher.headers(stored, traceparent=_traced(stored))
    )


def _traced(stored: Stored) -> str | None:
    """The span that publishes it, where spans are recorded."""
    if not tracing():
        return None
    with continued_from(stored.trace), span("publish", event=stored.id, type=stored.name):
        return current_traceparent()
