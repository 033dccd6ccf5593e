"""How a running system is: what its doors, logs, topics and consumers say, asked by whoever has to judge it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.trouble import Trouble
from shared.contracts.catalogue import topic_of
from shared.runtime.reports import problems_in

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a service's doors say of it. `failing` names checks; `away`: nobody answers."""

    away: bool
    failing: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A service's log: the highest position, how far the relay has told it, and what is on record as wrong."""

    head: int
    told: int
    problems: Sequence[str]
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """Messages in each topic, and for each consumer group how many it has not applied yet."""

    topics: Mapping[str, int]
    behind: Mapping[str, int]


async def health(*, address: str) -> Health:
    failing: list[str] = []
    try:
        async with httpx.AsyncClient(base_url=address, timeout=_PATIENCE) as client:
            for door in ("/health/live", "/health/ready"):
                failing += (await client.get(door)).json()["failing"]
    except (httpx.HTTPError, ValueError, KeyError):
        return Health(away=True, failing=())
    return Health(away=False, failing=sorted(set(failing)))


async def store(*, dsn: str) -> Store:
    """Raises `Trouble` where the database cannot be asked."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_PATIENCE)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Trouble(f"its database cannot be asked ({type(error).__name__})") from None
    try:
        return Store(
            head=await connection.fetchval("SELECT coalesce(max(position), 0) FROM events"),
            told=await connection.fetchval("SELECT position FROM relay"),
            problems=await problems_in(connection),
            server=await connection.fetchval("SHOW server_version"),
        )
    except asyncpg.PostgresError as error:
        raise Trouble(f"its database does not hold a log ({type(error).__name__})") from None
    finally:
        await connection.close()


async def bus(*, bootstrap: str, services: Sequence[str]) -> Bus:
    """Raises `Trouble` where the broker does not answer."""
    reader, admin = AIOKafkaConsumer(bootstrap_servers=bootstrap), AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await reader.start()
        await admin.start()
        ends = await _ends(reader, admin, {topic_of(service) for service in services})
        topics: dict[str, int] = {}
        for partition, end in ends.items():
            topics[partition.topic] = topics.get(partition.topic, 0) + end
        return Bus(topics=topics, behind=await _behind(admin, ends))
    except (KafkaError, OSError, TimeoutError) as error:
        raise Trouble(f"the broker at {bootstrap} does not answer ({type(error).__name__})") from None
    finally:
        await admin.close()
        await reader.stop()


async def _ends(
    reader: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topics: Collection[str]
) -> dict[TopicPartition, int]:
    there = await admin.describe_topics([topic for topic in await admin.list_topics() if topic in topics])
    partitions = [TopicPartition(found["topic"], part["partition"]) for found in there for part in found["partitions"]]
    return dict(await reader.end_offsets(partitions)) if partitions else {}


async def _behind(admin: AIOKafkaAdminClient, ends: Mapping[TopicPartition, int]) -> dict[str, int]:
    """Of each group, over the topics that it reads."""
    groups = sorted(group for group, *_ in await admin.list_consumer_groups() if group.startswith("carelog."))
    behind: dict[str, int] = {}
    for group in groups:
        read: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(group)
        behind[group] = sum(max(ends.get(at, 0) - max(kept.offset, 0), 0) for at, kept in read.items())
    return behind
