"""Metadata: which topics and partitions there are, all of them led by this node."""

from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import CLUSTER_ID, NO_EPOCH, NODE_ID, Caller, Node
from deploy.embedded.broker.storage.topics import Topic
from deploy.embedded.broker.wire import Int16, Int32, Since, message

_NO_OPERATIONS = -(2**31)  # authorised operations are not told: there is no access control


@message
class MetadataRequest:
    topics: list[str] | None
    allow_auto_topic_creation: Annotated[bool, Since(4)] = True
    include_cluster_authorized_operations: Annotated[bool, Since(8)] = False
    include_topic_authorized_operations: Annotated[bool, Since(8)] = False


@message
class BrokerMetadata:
    node_id: Int32 = NODE_ID
    host: str
    port: Int32
    rack: Annotated[str | None, Since(1)] = None


@message
class PartitionMetadata:
    error_code: Int16 = ErrorCode.NONE
    partition_index: Int32
    leader_id: Int32 = NODE_ID
    leader_epoch: Annotated[Int32, Since(7)] = NO_EPOCH
    replica_nodes: list[Int32]
    isr_nodes: list[Int32]
    offline_replicas: Annotated[list[Int32], Since(5)]


@message
class TopicMetadata:
    error_code: Int16 = ErrorCode.NONE
    name: str
    is_internal: Annotated[bool, Since(1)] = False
    partitions: list[PartitionMetadata]
    topic_authorized_operations: Annotated[Int32, Since(8)] = _NO_OPERATIONS


@message
class MetadataResponse:
    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    brokers: list[BrokerMetadata]
    cluster_id: Annotated[str | None, Since(2)] = CLUSTER_ID
    controller_id: Annotated[Int32, Since(1)] = NODE_ID
    topics: list[TopicMetadata]
    cluster_authorized_operations: Annotated[Int32, Since(8)] = _NO_OPERATIONS


async def metadata(node: Node, request: MetadataRequest, caller: Caller) -> MetadataResponse:
    every_topic = request.topics is None or (caller.version == 0 and not request.topics)
    names = [topic.name for topic in node.topics.all()] if every_topic else request.topics or []
    may_create = request.allow_auto_topic_creation and not every_topic
    topics = [await _topic_metadata(node, name, may_create) for name in names]
    return MetadataResponse(brokers=[BrokerMetadata(host=node.host, port=node.port)], topics=topics)


async def _topic_metadata(node: Node, name: str, may_create: bool) -> TopicMetadata:
    try:
        topic = await _topic(node, name, may_create)
    except Refused as refused:
        return TopicMetadata(error_code=refused.code, name=name, partitions=[])
    return TopicMetadata(name=name, partitions=[_partition(partition.index) for partition in topic.partitions])


async def _topic(node: Node, name: str, may_create: bool) -> Topic:
    partitions = node.limits.auto_create_partitions
    if node.topics.find(name=name) is None and may_create and partitions is not None:
        await node.topics.create_if_absent(name=name, partitions=partitions)
    topic = node.topics.find(name=name)
    if topic is None:
        raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return topic


def _partition(index: int) -> PartitionMetadata:
    return PartitionMetadata(partition_index=index, replica_nodes=[NODE_ID], isr_nodes=[NODE_ID], offline_replicas=[])


METADATA = Api(key=3, name="Metadata", versions=versions(0, 8), request=MetadataRequest, answer=metadata)
