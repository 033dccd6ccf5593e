"""Deletes consumer groups, which aiokafka's admin client has no call for."""

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

_UNKNOWN_GROUP = 69


async def delete_group(*, bootstrap: str, name: str) -> None:
    """It is gone, or was not there, when this returns. Raises `KafkaError` where somebody still reads as it."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        await client.bootstrap()
        node = await client.coordinator_lookup(CoordinationType.GROUP, name)
        answer = await client.send(node, DeleteGroupsRequest([name]))
        [(_, code)] = answer.results
        if code not in (0, _UNKNOWN_GROUP):
            raise for_code(code)
    finally:
        await client.close()
