"""Topics for one case: made for it, and gone afterwards, so that no case reads what another has said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from shared.runtime.bus.topics import MESSAGE_BYTES
from tests.support.harness import eventually


@asynccontextmanager
async def topics(*names: str, bootstrap: str, partitions: int) -> AsyncIterator[None]:
    """They are there inside, and empty."""
    configs = {"max.message.bytes": str(MESSAGE_BYTES), "retention.ms": "-1"}
    async with _admin(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs) for name in names])
        await eventually(lambda: _there(admin, names))
        try:
            yield
        finally:
            await _remove(admin, names)


async def coordinated(*, bootstrap: str) -> None:
    """Returns when the broker can take care of groups: it makes the topic of their offsets when the first one asks."""
    async with _admin(bootstrap) as admin:
        await eventually(lambda: _coordinates(admin))


async def without(*names: str, bootstrap: str) -> None:
    """None of these is there when this returns."""
    async with _admin(bootstrap) as admin:
        await _remove(admin, names)


async def _remove(admin: AIOKafkaAdminClient, names: tuple[str, ...]) -> None:
    if there := {*names} & {*await admin.list_topics()}:
        await admin.delete_topics(list(there))
    await eventually(lambda: _gone(admin, names))


async def _there(admin: AIOKafkaAdminClient, names: tuple[str, ...]) -> bool:
    return {*names} <= {*await admin.list_topics()}


async def _coordinates(admin: AIOKafkaAdminClient) -> bool:
    with suppress(KafkaError):
        await admin.find_coordinator("bench")
        return True
    return False


async def _gone(admin: AIOKafkaAdminClient, names: tuple[str, ...]) -> bool:
    return not {*names} & {*await admin.list_topics()}


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
