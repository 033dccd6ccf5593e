"""What the topic would say, made without a log: for the cases that measure what comes after it."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from shared.contracts.envelope import Contract, to_headers
from shared.runtime.bus.kafka import kafka_outlet
from shared.runtime.bus.messages import partition_of, value_of
from shared.runtime.bus.wire import Message
from shared.runtime.mandate import fresh_id
from tests.bench.counting import NOTE
from tests.bench.counting import service as counting
from tests.support.counters import CounterCounted, CounterOpened
from tests.support.running import said

BATCH = 2_000
"""messages that a consumer takes at a time, and the relay sends"""


def births(count: int) -> list[Contract]:
    """A new document for each event."""
    return [_opened(fresh_id()) for _ in range(count)]


def hot(count: int, *, documents: int) -> list[Contract]:
    """As many events for a few documents, in turn."""
    ids = [fresh_id() for _ in range(documents)]
    told: list[Contract] = [_opened(id) for id in ids]
    for number in range(count - documents):
        version = 2 + number // documents
        counted = CounterCounted(by=1)
        told.append(
            said(counted, subject=ids[number % documents], organization="north-clinic", patient=None, version=version)
        )
    return told


def in_batches(told: Sequence[Contract]) -> Iterator[Sequence[Contract]]:
    for at in range(0, len(told), BATCH):
        yield told[at : at + BATCH]


async def tell(told: Sequence[Contract], *, bootstrap: str) -> None:
    """As the relay would: each is on its topic when this returns."""
    async with kafka_outlet(bootstrap=bootstrap) as outlet:
        for batch in in_batches(told):
            parted: dict[tuple[str, int], list[Message]] = {}
            for one in batch:
                key = one.envelope.key
                message = Message(key.encode(), value_of(one), to_headers(one.envelope))
                parted.setdefault((counting.topic, partition_of(key)), []).append(message)
            await outlet.publish(parted)


def _opened(id: UUID) -> Contract:
    opened = CounterOpened(limit=1_000_000, note=NOTE)
    return said(opened, subject=id, organization="north-clinic", patient=None)
