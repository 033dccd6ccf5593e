"""ListOffsets: the first offset, the next one, or the first of a time."""

from typing import Annotated

from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import NO_EPOCH, Caller, Node
from deploy.embedded.broker.storage.topics import Partition
from deploy.embedded.broker.wire import Int8, Int16, Int32, Int64, Since, message

_LATEST, _EARLIEST = -1, -2


@message
class OffsetWanted:
    partition_index: Int32
    current_leader_epoch: Annotated[Int32, Since(4)] = NO_EPOCH
    timestamp: Int64


@message
class TopicWanted:
    name: str
    partitions: list[OffsetWanted]


@message
class ListOffsetsRequest:
    replica_id: Int32
    isolation_level: Annotated[Int8, Since(2)] = 0
    topics: list[TopicWanted]


@message
class OffsetFound:
    partition_index: Int32
    error_code: Int16 = ErrorCode.NONE
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, Since(4)] = NO_EPOCH


@message
class TopicFound:
    name: str
    partitions: list[OffsetFound]


@message
class ListOffsetsResponse:
    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    topics: list[TopicFound]


async def list_offsets(node: Node, request: ListOffsetsRequest, caller: Caller) -> ListOffsetsResponse:
    topics = [
        TopicFound(name=topic.name, partitions=[await _find(node, topic.name, want) for want in topic.partitions])
        for topic in request.topics
    ]
    return ListOffsetsResponse(topics=topics)


async def _find(node: Node, topic: str, want: OffsetWanted) -> OffsetFound:
    try:
        partition = node.topics.partition(topic=topic, index=want.partition_index)
        if partition is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        timestamp, offset = await _offset(node, partition, want.timestamp)
    except Refused as refused:
        return OffsetFound(partition_index=want.partition_index, error_code=refused.code)
    return OffsetFound(partition_index=want.partition_index, timestamp=timestamp, offset=offset)


async def _offset(node: Node, partition: Partition, timestamp: int) -> tuple[int, int]:
    if timestamp == _LATEST:
        return -1, partition.high_watermark
    if timestamp == _EARLIEST:
        return -1, 0
    if timestamp < 0:
        raise Refused(ErrorCode.UNSUPPORTED_VERSION)
    batch = await node.log.batch_at(partition=partition, timestamp=timestamp)
    return (-1, -1) if batch is None else _first_record_at(batch, timestamp)


def _first_record_at(data: bytes, timestamp: int) -> tuple[int, int]:
    """The one place where a batch is opened. Where its compression is not installed, the answer is its first record,
    which is a little early."""
    batch = DefaultRecordBatch(data)
    try:
        found = next((record for record in batch if record.timestamp >= timestamp), None)
    except KafkaError:
        found = None
    return (batch.first_timestamp, batch.base_offset) if found is None else (found.timestamp, found.offset)


LIST_OFFSETS = Api(key=2, name="ListOffsets", versions=versions(1, 5), request=ListOffsetsRequest, answer=list_offsets)
