"""Fetch: read record batches, and wait for them where there are none yet."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import NO_EPOCH, Caller, Node
from deploy.embedded.broker.storage.log import Read
from deploy.embedded.broker.storage.topics import Partition
from deploy.embedded.broker.wire import Int8, Int16, Int32, Int64, Since, message

_MOST_BYTES = 8 * 1024 * 1024  # clients ask for 50 MiB at once; a small broker gives it to them in pieces


@message
class FetchPartition:
    partition: Int32
    current_leader_epoch: Annotated[Int32, Since(9)] = NO_EPOCH
    fetch_offset: Int64
    log_start_offset: Annotated[Int64, Since(5)] = -1
    partition_max_bytes: Int32


@message
class FetchTopic:
    topic: str
    partitions: list[FetchPartition]


@message
class ForgottenTopic:
    topic: str
    partitions: list[Int32]


@message
class FetchRequest:
    replica_id: Int32
    max_wait_ms: Int32
    min_bytes: Int32
    max_bytes: Int32
    isolation_level: Int8
    session_id: Annotated[Int32, Since(7)] = 0
    session_epoch: Annotated[Int32, Since(7)] = -1
    topics: list[FetchTopic]
    forgotten_topics: Annotated[list[ForgottenTopic] | None, Since(7)] = None
    rack_id: Annotated[str | None, Since(11)] = None


@message
class AbortedTransaction:
    producer_id: Int64
    first_offset: Int64


@message
class PartitionFetched:
    partition_index: Int32
    error_code: Int16 = ErrorCode.NONE
    high_watermark: Int64 = -1
    last_stable_offset: Int64 = -1
    log_start_offset: Annotated[Int64, Since(5)] = 0
    aborted_transactions: list[AbortedTransaction] | None = None
    preferred_read_replica: Annotated[Int32, Since(11)] = -1
    records: bytes | None = b""


@message
class TopicFetched:
    topic: str
    partitions: list[PartitionFetched]


@message
class FetchResponse:
    """A session id of 0 says that every request names its partitions in full."""

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Since(7)] = ErrorCode.NONE
    session_id: Annotated[Int32, Since(7)] = 0
    responses: list[TopicFetched]


@dataclass(frozen=True, slots=True)
class _Wanted:
    topic: str
    asked: FetchPartition
    partition: Partition | None

    @property
    def error_code(self) -> ErrorCode:
        if self.partition is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if not 0 <= self.asked.fetch_offset <= self.partition.high_watermark:
            return ErrorCode.OFFSET_OUT_OF_RANGE
        return ErrorCode.NONE

    def read(self) -> Read | None:
        """None where there is nothing to read, which is known without asking the file."""
        if self.partition is None or not 0 <= self.asked.fetch_offset < self.partition.high_watermark:
            return None
        return Read(self.partition, self.asked.fetch_offset, self.asked.partition_max_bytes)


async def fetch(node: Node, request: FetchRequest, caller: Caller) -> FetchResponse:
    wanted = _wanted(node, request)
    records = await _wait_for_records(node, request, wanted)
    return _response(request, wanted, records)


def _wanted(node: Node, request: FetchRequest) -> list[_Wanted]:
    return [
        _Wanted(topic.topic, asked, node.topics.partition(topic=topic.topic, index=asked.partition))
        for topic in request.topics
        for asked in topic.partitions
    ]


async def _wait_for_records(node: Node, request: FetchRequest, wanted: list[_Wanted]) -> dict[int, bytes | Refused]:
    """What there is, by place in `wanted`, as soon as it is `min_bytes` or something is wrong, at the latest after
    `max_wait_ms`. A waiting reader costs nothing: the append wakes it."""
    appended = asyncio.Event()
    partitions = [want.partition for want in wanted if want.partition is not None]
    for partition in partitions:
        partition.wake_on_append(appended)
    try:
        deadline = asyncio.get_running_loop().time() + request.max_wait_ms / 1000
        while True:
            appended.clear()
            records = await _read(node, request, wanted)
            if _is_enough(records, request.min_bytes) or any(want.error_code for want in wanted):
                return records
            async with asyncio.timeout_at(deadline):
                await appended.wait()
    except TimeoutError:
        return await _read(node, request, wanted)
    finally:
        for partition in partitions:
            partition.forget(appended)


async def _read(node: Node, request: FetchRequest, wanted: list[_Wanted]) -> dict[int, bytes | Refused]:
    reads = {place: read for place, want in enumerate(wanted) if (read := want.read()) is not None}
    if not reads:
        return {}
    try:
        room = min(request.max_bytes, _MOST_BYTES)
        found = await node.log.read(reads=list(reads.values()), max_bytes=room)
    except Refused as refused:
        return dict.fromkeys(reads, refused)
    return dict(zip(reads, found, strict=True))


def _is_enough(records: dict[int, bytes | Refused], min_bytes: int) -> bool:
    if any(isinstance(found, Refused) for found in records.values()):
        return True
    return sum(len(found) for found in records.values() if isinstance(found, bytes)) >= min_bytes


def _response(request: FetchRequest, wanted: list[_Wanted], records: dict[int, bytes | Refused]) -> FetchResponse:
    fetched = iter([_fetched(want, records.get(place, b"")) for place, want in enumerate(wanted)])
    responses = [
        TopicFetched(topic=topic.topic, partitions=[next(fetched) for _ in topic.partitions])
        for topic in request.topics
    ]
    return FetchResponse(responses=responses)


def _fetched(want: _Wanted, found: bytes | Refused) -> PartitionFetched:
    error_code = found.code if isinstance(found, Refused) else want.error_code
    end = want.partition.high_watermark if want.partition is not None else -1
    return PartitionFetched(
        partition_index=want.asked.partition,
        error_code=error_code,
        high_watermark=end,
        last_stable_offset=end,
        records=b"" if isinstance(found, Refused) else found,
    )


FETCH = Api(key=1, name="Fetch", versions=versions(4, 11), request=FetchRequest, answer=fetch)
