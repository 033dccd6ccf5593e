"""OffsetCommit and OffsetFetch: how far a consumer group has read."""

from collections.abc import Mapping
from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.group import Group, GroupState
from deploy.embedded.broker.node import NO_EPOCH, Caller, Node
from deploy.embedded.broker.storage.offsets import CommittedOffset
from deploy.embedded.broker.wire import Int16, Int32, Int64, Since, Until, message

_MOST_METADATA = 4096


@message
class PartitionCommit:
    partition_index: Int32
    committed_offset: Int64
    committed_leader_epoch: Annotated[Int32, Since(6)] = NO_EPOCH
    committed_metadata: str | None


@message
class TopicCommit:
    name: str
    partitions: list[PartitionCommit]


@message
class OffsetCommitRequest:
    group_id: str
    generation_id: Int32
    member_id: str
    group_instance_id: Annotated[str | None, Since(7)] = None
    retention_time_ms: Annotated[Int64, Since(2), Until(4)] = -1
    topics: list[TopicCommit]


@message
class PartitionCommitted:
    partition_index: Int32
    error_code: Int16


@message
class TopicCommitted:
    name: str
    partitions: list[PartitionCommitted]


@message
class OffsetCommitResponse:
    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    topics: list[TopicCommitted]


async def offset_commit(node: Node, request: OffsetCommitRequest, caller: Caller) -> OffsetCommitResponse:
    """Every offset that may be committed is, all in one; each of the others has its own error."""
    offsets: dict[tuple[int, int], CommittedOffset] = {}
    topics = [
        TopicCommitted(
            name=topic.name, partitions=[_collect(node, topic.name, commit, offsets) for commit in topic.partitions]
        )
        for topic in request.topics
    ]
    try:
        _refuse_strangers(node.coordinator.find(group_id=request.group_id), request)
        await node.offsets.commit(group_id=request.group_id, offsets=offsets)
    except Refused as refused:
        for partition in (partition for topic in topics for partition in topic.partitions):
            partition.error_code = partition.error_code or refused.code
    return OffsetCommitResponse(topics=topics)


def _collect(
    node: Node, topic: str, commit: PartitionCommit, offsets: dict[tuple[int, int], CommittedOffset]
) -> PartitionCommitted:
    partition = node.topics.partition(topic=topic, index=commit.partition_index)
    if partition is None:
        error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    elif len(commit.committed_metadata or "") > _MOST_METADATA:
        error_code = ErrorCode.OFFSET_METADATA_TOO_LARGE
    else:
        error_code = ErrorCode.NONE
        key = (partition.topic_id, partition.index)
        offsets[key] = CommittedOffset(commit.committed_offset, commit.committed_metadata)
    return PartitionCommitted(partition_index=commit.partition_index, error_code=error_code)


def _refuse_strangers(group: Group | None, request: OffsetCommitRequest) -> None:
    """A group without members takes offsets from anybody who claims no generation: tools, and readers that assign
    partitions themselves. One with members takes them from those alone."""
    if (group is None or not group.members) and request.generation_id < 0:
        return
    if group is None:
        raise Refused(ErrorCode.UNKNOWN_MEMBER_ID)
    group.member(member_id=request.member_id, instance_id=request.group_instance_id, generation=request.generation_id)
    if group.state is GroupState.COMPLETING_REBALANCE:
        raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)


@message
class TopicFetch:
    name: str
    partition_indexes: list[Int32]


@message
class OffsetFetchRequest:
    group_id: str
    topics: list[TopicFetch] | None


@message
class PartitionOffset:
    partition_index: Int32
    committed_offset: Int64 = -1
    committed_leader_epoch: Annotated[Int32, Since(5)] = NO_EPOCH
    metadata: str | None = ""
    error_code: Int16 = ErrorCode.NONE


@message
class TopicOffsets:
    name: str
    partitions: list[PartitionOffset]


@message
class OffsetFetchResponse:
    throttle_time_ms: Annotated[Int32, Since(3)] = 0
    topics: list[TopicOffsets]
    error_code: Annotated[Int16, Since(2)] = ErrorCode.NONE


async def offset_fetch(node: Node, request: OffsetFetchRequest, caller: Caller) -> OffsetFetchResponse:
    """An offset of -1 says that none is committed; no list of topics asks for all that are."""
    try:
        committed = await node.offsets.of_group(group_id=request.group_id)
    except Refused as refused:
        return OffsetFetchResponse(topics=[], error_code=refused.code)
    topics = _every_committed(node, committed) if request.topics is None else request.topics
    return OffsetFetchResponse(topics=[_offsets(node, topic, committed) for topic in topics])


def _every_committed(node: Node, committed: Mapping[tuple[int, int], CommittedOffset]) -> list[TopicFetch]:
    wanted = [
        TopicFetch(name=topic.name, partition_indexes=[index for id_, index in committed if id_ == topic.topic_id])
        for topic in node.topics.all()
    ]
    return [topic for topic in wanted if topic.partition_indexes]


def _offsets(node: Node, wanted: TopicFetch, committed: Mapping[tuple[int, int], CommittedOffset]) -> TopicOffsets:
    topic = node.topics.find(name=wanted.name)
    partitions = []
    for index in wanted.partition_indexes:
        offset = committed.get((topic.topic_id, index)) if topic is not None else None
        found = offset or CommittedOffset(-1, "")
        partitions.append(
            PartitionOffset(partition_index=index, committed_offset=found.next_offset, metadata=found.metadata)
        )
    return TopicOffsets(name=wanted.name, partitions=partitions)


OFFSET_COMMIT = Api(
    key=8, name="OffsetCommit", versions=versions(2, 7), request=OffsetCommitRequest, answer=offset_commit
)
OFFSET_FETCH = Api(key=9, name="OffsetFetch", versions=versions(1, 5), request=OffsetFetchRequest, answer=offset_fetch)
