"""How late consumer groups are: the age of the oldest message that each has not got past."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_LOOK_MS = 500
_BYTES = 64 * 1024

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """One group's: `messages` not got past, the `age` in seconds of the oldest of them (None: it could not be read).
    `members`: who reads just now (None: unknown).
    """

    group: str
    messages: int
    age: float | None
    members: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """The topics as they are, each with its number of messages; None: it is not there. All groups whose names begin as
    ours do.
    """

    topics: Mapping[str, int | None]
    lags: Sequence[Lag]
    groups: Sequence[str]


async def bus(*, bootstrap: str, topics: Sequence[str], groups: Mapping[str, Sequence[str]], ours: str) -> Bus:
    """`groups`: those to look at, with the topics each reads; `ours`: how all names of ours begin."""
    async with _clients(bootstrap) as (admin, reader):
        ends = await _ends(admin, reader, topics)
        there = sorted(name for name, *_ in await admin.list_consumer_groups() if name.startswith(ours))
        members = await _members(admin, [group for group in groups if group in there])
        lags = [await _lag(admin, reader, group, reads, ends, members.get(group)) for group, reads in groups.items()]
        counts = {topic: _count(ends, topic) for topic in topics}
        return Bus(topics=counts, lags=lags, groups=there)


@asynccontextmanager
async def _clients(bootstrap: str) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=_BYTES, enable_auto_commit=False)
    try:
        await admin.start()
        await reader.start()
        yield admin, reader
    finally:
        await admin.close()
        await reader.stop()


async def _ends(admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, topics: Sequence[str]) -> Offsets:
    there = await admin.describe_topics([topic for topic in await admin.list_topics() if topic in topics])
    partitions = [TopicPartition(found["topic"], part["partition"]) for found in there for part in found["partitions"]]
    return dict(await reader.end_offsets(partitions)) if partitions else {}


def _count(ends: Offsets, topic: str) -> int | None:
    found = [end for partition, end in ends.items() if partition.topic == topic]
    return sum(found) if found else None


async def _members(admin: AIOKafkaAdminClient, groups: Sequence[str]) -> dict[str, int]:
    """Asked for one at a time: of version 3 of the answer, aiokafka 0.14 can read the first group alone."""
    found: dict[str, int] = {}
    for group in groups:
        [answer] = await admin.describe_consumer_groups([group])
        [(_, _, _, _, _, members, *_)] = answer.groups
        found[group] = len(members)
    return found


async def _lag(
    admin: AIOKafkaAdminClient,
    reader: AIOKafkaConsumer,
    group: str,
    reads: Sequence[str],
    ends: Offsets,
    members: int | None,
) -> Lag:
    """What was never committed counts from the beginning."""
    kept: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(group)
    committed = {at: max(offset.offset, 0) for at, offset in kept.items()}
    late = {at: committed.get(at, 0) for at, end in ends.items() if at.topic in reads and committed.get(at, 0) < end}
    messages = sum(ends[at] - offset for at, offset in late.items())
    age = await _age(reader, late) if late else 0.0
    return Lag(group=group, messages=messages, age=age, members=members)


async def _age(reader: AIOKafkaConsumer, late: Offsets) -> float | None:
    """Of the oldest of the messages at these places."""
    reader.assign(list(late))
    for partition, offset in late.items():
        reader.seek(partition, offset)
    oldest: datetime | None = None
    missing = set(late)
    while missing:
        for partition, records in (await reader.getmany(*missing, timeout_ms=_LOOK_MS)).items():
            missing.discard(partition)
            oldest = min(filter(None, (oldest, _recorded_at(records[0]))), default=None)
        reader.pause(*(set(late) - missing))
        await asyncio.sleep(0)
    return max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else None


def _recorded_at(record: Any) -> datetime:
    """When its owner recorded it; what is none of ours, when it came to the topic."""
    said = dict(record.headers).get("ce_recordedtime")
    try:
        found = datetime.fromisoformat(said.decode()) if said else None
    except (ValueError, UnicodeDecodeError):
        found = None
    return found if found and found.tzinfo else datetime.fromtimestamp(record.timestamp / 1000, UTC)
