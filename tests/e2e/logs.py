"""The logs and the topics of a whole system, read to their ends as another system would read them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.story.cast import AUDITING_SYSTEM
from shared.contracts.catalogue import SERVICES, topic_of
from tests.support.system import System

Event = Mapping[str, Any]


async def whole_log(system: System, service: str) -> list[Event]:
    """From the feed."""
    found: list[Event] = []
    after = "0"
    async with system.client(AUDITING_SYSTEM, service) as client:
        while True:
            page = await client.get("/feed", params={"after": after, "limit": 1000})
            assert page.status_code == 200
            if not page.json():
                return found
            found += page.json()
            after = page.headers["carelog-next"]


async def positions(system: System) -> dict[str, int]:
    """How long each log is."""
    return {service: len(await whole_log(system, service)) for service in SERVICES}


def holes(log: Sequence[Event]) -> list[str]:
    """What is not as it must be: positions, and versions of each aggregate, from 1 and without a gap or repeat."""
    wrong = []
    versions: dict[str, int] = defaultdict(int)
    for expected, event in enumerate(log, 1):
        position = int(event["position"].rsplit(".", 1)[-1])
        if position != expected:
            wrong.append(f"position {position} where {expected} should be")
        versions[event["subject"]] += 1
        if int(event["sequence"]) != versions[event["subject"]]:
            wrong.append(f"{event['id']} where version {versions[event['subject']]} should be")
    return wrong


async def topic(system: System, service: str) -> list[str]:
    """The ids of all messages in a service's topic, in the order of their partitions; repeats too."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.running.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        name = topic_of(service)
        await consumer.topics()
        partitions = [TopicPartition(name, number) for number in range(12)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[str] = []
        while [at for at, end in ends.items() if await consumer.position(at) < end]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [dict(record.headers)["ce_id"].decode() for record in records]
        return found
    finally:
        await consumer.stop()
