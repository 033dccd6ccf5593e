"""F19: the topic is deleted, then emptied; the log has it all, and says it again."""

from collections.abc import Awaitable, Callable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.contracts.catalogue import topic_of
from tests.faults.drill import Drill
from tests.faults.grounds.small import Small
from tests.faults.oracle.oracle import Oracle
from tests.faults.row import FellShort, row

_TOPIC = topic_of("records")


@row(
    "F19",
    "topic deleted, retention passed",
    injected="the topic is deleted while commands come; then all its records are deleted as retention would do it",
)
async def lost_topic(drill: Drill) -> None:
    small = await drill.stage.small(name="topic")
    losses: list[Callable[[Small], Awaitable[None]]] = [_deleted, _emptied]
    for lose in losses:
        async with drill.under_load(small, heals_within=drill.short_or_full(90, 180)) as oracle:
            await lose(small)
            await oracle.more(20)
            oracle.topics.forget()
            await _said_again(oracle, within=drill.short_or_full(90, 180))
        drill.note(**{lose.__name__.strip("_"): f"{len(oracle.topics.values['records'])} events there again"})


async def _said_again(oracle: Oracle, *, within: float) -> None:
    """The relay looks at its topic now and then, so its loss is noticed a while after it."""
    await oracle.mirror.follow()
    wanted = set(oracle.mirror.streams["records"].values)
    if not await oracle.topics.come_to_hold("records", wanted, within=within):
        raise FellShort("what the topic has lost was not published again")


async def _deleted(small: Small) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=small.kafka)
    await admin.start()
    try:
        await admin.delete_topics([_TOPIC])
    finally:
        await admin.close()


async def _emptied(small: Small) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=small.kafka)
    await admin.start()
    try:
        [there] = await admin.describe_topics([_TOPIC])
        parts = [TopicPartition(_TOPIC, one["partition"]) for one in there["partitions"]]
        await admin.delete_records({part: RecordsToDelete(before_offset=-1) for part in parts})
    finally:
        await admin.close()
