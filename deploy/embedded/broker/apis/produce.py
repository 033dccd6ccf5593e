"""Produce: append record batches."""

import asyncio
from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.batch import record_batch
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.storage.configs import max_message_bytes
from deploy.embedded.broker.wire import Int16, Int32, Int64, Since, message


@message
class PartitionData:
    index: Int32
    records: bytes | None


@message
class TopicData:
    name: str
    partitions: list[PartitionData]


@message
class ProduceRequest:
    transactional_id: str | None
    acks: Int16
    timeout_ms: Int32
    topics: list[TopicData]


@message
class RecordError:
    batch_index: Int32
    message: str | None


@message
class PartitionAppended:
    index: Int32
    error_code: Int16 = ErrorCode.NONE
    base_offset: Int64 = -1
    log_append_time_ms: Int64 = -1
    log_start_offset: Annotated[Int64, Since(5)] = 0
    record_errors: Annotated[list[RecordError], Since(8)]
    error_message: Annotated[str | None, Since(8)] = None


@message
class TopicAppended:
    name: str
    partitions: list[PartitionAppended]


@message
class ProduceResponse:
    responses: list[TopicAppended]
    throttle_time_ms: Int32 = 0


async def produce(node: Node, request: ProduceRequest, caller: Caller) -> ProduceResponse | None:
    appends = [
        _append(node, topic.name, partition, request.acks) for topic in request.topics for partition in topic.partitions
    ]
    appended = iter(await asyncio.gather(*appends))
    responses = [
        TopicAppended(name=topic.name, partitions=[next(appended) for _ in topic.partitions])
        for topic in request.topics
    ]
    return ProduceResponse(responses=responses) if request.acks != 0 else None


async def _append(node: Node, name: str, data: PartitionData, acks: int) -> PartitionAppended:
    try:
        if acks not in (-1, 0, 1):
            raise Refused(ErrorCode.INVALID_REQUIRED_ACKS)
        topic = node.topics.find(name=name)
        partition = node.topics.partition(topic=name, index=data.index)
        if topic is None or partition is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        batch = record_batch(data=data.records or b"")
        if len(batch.data) > max_message_bytes(configs=topic.configs, default=node.limits.max_message_bytes):
            raise Refused(ErrorCode.MESSAGE_TOO_LARGE)
        base_offset = await node.log.append(partition=partition, batch=batch)
    except Refused as refused:
        return PartitionAppended(
            index=data.index, error_code=refused.code, record_errors=[], error_message=refused.reason
        )
    return PartitionAppended(index=data.index, base_offset=base_offset, record_errors=[])


PRODUCE = Api(key=0, name="Produce", versions=versions(3, 8), request=ProduceRequest, answer=produce, pipelined=True)
