"""The partitions' logs: append a batch, read batches from an offset, find an offset by time."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from deploy.embedded.broker.batch import RecordBatch
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.storage.committer import Committer
from deploy.embedded.broker.storage.sequences import offset_of_duplicate
from deploy.embedded.broker.storage.topics import Partition, end_offset

Result = TypeVar("Result")

_INSERT = """
INSERT INTO batch (topic_id, partition, base_offset, last_offset, max_timestamp,
                   producer_id, producer_epoch, base_sequence, last_sequence, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FROM_OFFSET = """
SELECT data FROM batch WHERE topic_id = ? AND partition = ? AND last_offset >= ? AND last_offset < ?
ORDER BY last_offset
"""
_FROM_TIMESTAMP = """
SELECT data FROM batch WHERE topic_id = ? AND partition = ? AND max_timestamp >= ? ORDER BY last_offset LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Read:
    """Read one partition from an offset, up to a size."""

    partition: Partition
    offset: int
    max_bytes: int


class Log:
    def __init__(self, *, committer: Committer, connection: sqlite3.Connection) -> None:
        self._committer = committer
        self._connection = connection
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")

    async def append(self, *, partition: Partition, batch: RecordBatch) -> int:
        """The base offset of the batch, once it is on the disk."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            return _append(connection, partition, batch)

        def advance(offsets: tuple[int, int]) -> None:
            partition.advance(end_offset=offsets[1] + 1)

        base_offset, _ = await self._committer.submit(work=work, then=advance)
        return base_offset

    async def read(self, *, reads: list[Read], max_bytes: int) -> list[bytes]:
        """Whole batches for each of `reads`, in their order. The first batch of all is given whatever its size, so
        that a large one cannot stop its reader for ever."""
        return await self.query(lambda connection: _read_all(connection, reads, max_bytes))

    async def batch_at(self, *, partition: Partition, timestamp: int) -> bytes | None:
        """The first batch with a record of that time or later."""
        key = (partition.topic_id, partition.index, timestamp)
        row = await self.query(lambda connection: connection.execute(_FROM_TIMESTAMP, key).fetchone())
        return None if row is None else bytes(row[0])

    async def query(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Runs on the thread of the reading connection."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, work, self._connection)
        except sqlite3.Error as error:
            raise Refused(ErrorCode.KAFKA_STORAGE_ERROR, str(error)) from error

    def close(self) -> None:
        self._reader.shutdown()
        self._connection.close()


def _append(connection: sqlite3.Connection, partition: Partition, batch: RecordBatch) -> tuple[int, int]:
    if batch.idempotent:
        stored = offset_of_duplicate(connection=connection, partition=partition, batch=batch)
        if stored is not None:
            return stored
    base_offset = end_offset(connection=connection, partition=partition)
    last_offset = base_offset + batch.records - 1
    row = (
        partition.topic_id,
        partition.index,
        base_offset,
        last_offset,
        batch.max_timestamp,
        batch.producer_id if batch.idempotent else None,
        batch.producer_epoch,
        batch.base_sequence,
        batch.last_sequence,
        batch.at_offset(base_offset=base_offset),
    )
    try:
        connection.execute(_INSERT, row)
    except sqlite3.IntegrityError as error:  # the topic was deleted while the batch waited
        raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) from error
    return base_offset, last_offset


def _read_all(connection: sqlite3.Connection, reads: list[Read], max_bytes: int) -> list[bytes]:
    found: list[bytes] = []
    taken = 0
    for read in reads:
        data = _read(connection, read, room=min(read.max_bytes, max_bytes - taken), at_least_one=not taken)
        taken += len(data)
        found.append(data)
    return found


def _read(connection: sqlite3.Connection, read: Read, *, room: int, at_least_one: bool) -> bytes:
    partition = read.partition
    key = (partition.topic_id, partition.index, read.offset, partition.high_watermark)
    batches: list[bytes] = []
    for (data,) in connection.execute(_FROM_OFFSET, key) if room > 0 or at_least_one else ():
        room -= len(data)
        if room < 0 and (batches or not at_least_one):
            break
        batches.append(data)
    return b"".join(batches)
