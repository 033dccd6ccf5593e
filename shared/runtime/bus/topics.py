"""The topics, made where they are not there yet: 12 partitions, kept for ever (the topic is the log)."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

PARTITIONS = 12
MESSAGE_BYTES = 2 * 1024 * 1024
"""more than an event may hold, its envelope and the batch around it"""

_CONFIG = {"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": str(MESSAGE_BYTES)}


async def ensure_topics(*, bootstrap: str, names: Iterable[str], replicas: int) -> None:
    """Makes the missing ones, each kept by as many brokers as `replicas` says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        missing = sorted(set(names) - set(await admin.list_topics()))
        if missing:
            wanted = [NewTopic(name, PARTITIONS, replicas, topic_configs=_CONFIG) for name in missing]
            _check(await admin.create_topics(wanted))
    finally:
        await admin.close()


def _check(response: object) -> None:
    for _, code, *_ in getattr(response, "topic_errors", ()):
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error
