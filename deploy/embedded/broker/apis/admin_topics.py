"""CreateTopics, DeleteTopics and CreatePartitions."""

from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import NODE_ID, Caller, Node
from deploy.embedded.broker.storage.configs import refuse_unless_honoured
from deploy.embedded.broker.wire import Int16, Int32, Since, message

_DEFAULT_PARTITIONS = 1  # of Kafka too


@message
class ReplicaAssignment:
    partition_index: Int32
    broker_ids: list[Int32]


@message
class TopicConfig:
    name: str
    value: str | None


@message
class CreatableTopic:
    name: str
    num_partitions: Int32
    replication_factor: Int16
    assignments: list[ReplicaAssignment]
    configs: list[TopicConfig]

    @property
    def partitions(self) -> int:
        if self.assignments:
            return len(self.assignments)
        return _DEFAULT_PARTITIONS if self.num_partitions == -1 else self.num_partitions


@message
class CreateTopicsRequest:
    topics: list[CreatableTopic]
    timeout_ms: Int32
    validate_only: Annotated[bool, Since(1)] = False


@message
class TopicCreated:
    name: str
    error_code: Int16 = ErrorCode.NONE
    error_message: Annotated[str | None, Since(1)] = None


@message
class CreateTopicsResponse:
    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    topics: list[TopicCreated]


async def create_topics(node: Node, request: CreateTopicsRequest, caller: Caller) -> CreateTopicsResponse:
    return CreateTopicsResponse(topics=[await _create(node, topic, request.validate_only) for topic in request.topics])


async def _create(node: Node, topic: CreatableTopic, validate_only: bool) -> TopicCreated:
    try:
        _refuse_replicas(topic)
        configs = {config.name: config.value for config in topic.configs if config.value is not None}
        refuse_unless_honoured(configs=configs)
        node.topics.refuse_unless_creatable(name=topic.name, partitions=topic.partitions)
        if not validate_only:
            await node.topics.create(name=topic.name, partitions=topic.partitions, configs=configs)
    except Refused as refused:
        return TopicCreated(name=topic.name, error_code=refused.code, error_message=refused.reason)
    return TopicCreated(name=topic.name)


def _refuse_replicas(topic: CreatableTopic) -> None:
    if any(assignment.broker_ids != [NODE_ID] for assignment in topic.assignments):
        raise Refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"the only node is {NODE_ID}")
    if not topic.assignments and topic.replication_factor not in (-1, 1):
        raise Refused(ErrorCode.INVALID_REPLICATION_FACTOR, "one node holds one replica")


@message
class DeleteTopicsRequest:
    topic_names: list[str]
    timeout_ms: Int32


@message
class TopicDeleted:
    name: str
    error_code: Int16


@message
class DeleteTopicsResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    responses: list[TopicDeleted]


async def delete_topics(node: Node, request: DeleteTopicsRequest, caller: Caller) -> DeleteTopicsResponse:
    return DeleteTopicsResponse(responses=[await _delete(node, name) for name in request.topic_names])


async def _delete(node: Node, name: str) -> TopicDeleted:
    try:
        await node.topics.delete(name=name)
    except Refused as refused:
        return TopicDeleted(name=name, error_code=refused.code)
    return TopicDeleted(name=name, error_code=ErrorCode.NONE)


@message
class PartitionAssignment:
    broker_ids: list[Int32]


@message
class GrowingTopic:
    name: str
    count: Int32
    assignments: list[PartitionAssignment] | None


@message
class CreatePartitionsRequest:
    topics: list[GrowingTopic]
    timeout_ms: Int32
    validate_only: bool


@message
class TopicGrown:
    name: str
    error_code: Int16 = ErrorCode.NONE
    error_message: str | None = None


@message
class CreatePartitionsResponse:
    throttle_time_ms: Int32 = 0
    results: list[TopicGrown]


async def create_partitions(node: Node, request: CreatePartitionsRequest, caller: Caller) -> CreatePartitionsResponse:
    return CreatePartitionsResponse(results=[await _grow(node, topic, request) for topic in request.topics])


async def _grow(node: Node, topic: GrowingTopic, request: CreatePartitionsRequest) -> TopicGrown:
    try:
        node.topics.refuse_unless_growable(name=topic.name, partitions=topic.count)
        if not request.validate_only:
            await node.topics.grow(name=topic.name, partitions=topic.count)
    except Refused as refused:
        return TopicGrown(name=topic.name, error_code=refused.code, error_message=refused.reason)
    return TopicGrown(name=topic.name)


CREATE_TOPICS = Api(
    key=19, name="CreateTopics", versions=versions(0, 4), request=CreateTopicsRequest, answer=create_topics
)
DELETE_TOPICS = Api(
    key=20, name="DeleteTopics", versions=versions(0, 3), request=DeleteTopicsRequest, answer=delete_topics
)
CREATE_PARTITIONS = Api(
    key=37, name="CreatePartitions", versions=versions(0, 1), request=CreatePartitionsRequest, answer=create_partitions
)
