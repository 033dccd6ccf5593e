"""Idempotent producers: which batch of a producer may come next. The log itself is the record of what came before, so
this survives whatever the log survives. The rules are those of Kafka's ProducerStateManager."""

import sqlite3
from dataclasses import dataclass

from deploy.embedded.broker.batch import RecordBatch
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.storage.topics import Partition

_REMEMBERED = 5  # as many as a producer may have in flight
_SEQUENCES = 2**31


@dataclass(frozen=True, slots=True)
class _Earlier:
    epoch: int
    base_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int


def offset_of_duplicate(
    *, connection: sqlite3.Connection, partition: Partition, batch: RecordBatch
) -> tuple[int, int] | None:
    """First and last offset under which this very batch is already stored; None for one that may be appended;
    `Refused` for one that may not."""
    earlier = _latest_batches(connection, partition, batch.producer_id)
    for stored in earlier:
        if (stored.epoch, stored.base_sequence, stored.last_sequence) == (
            batch.producer_epoch,
            batch.base_sequence,
            batch.last_sequence,
        ):
            return stored.base_offset, stored.last_offset
    if earlier:
        _refuse_unless_next(earlier[0], batch)
    elif batch.base_sequence != 0 and not _older_than_topic(connection, partition, batch.producer_id):
        raise Refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    return None


def _latest_batches(connection: sqlite3.Connection, partition: Partition, producer_id: int) -> list[_Earlier]:
    rows = connection.execute(
        "SELECT producer_epoch, base_sequence, last_sequence, base_offset, last_offset FROM batch"
        " WHERE topic_id = ? AND partition = ? AND producer_id = ? ORDER BY last_offset DESC LIMIT ?",
        (partition.topic_id, partition.index, producer_id, _REMEMBERED),
    )
    return [_Earlier(*row) for row in rows]


def _refuse_unless_next(last: _Earlier, batch: RecordBatch) -> None:
    if batch.producer_epoch < last.epoch:
        raise Refused(ErrorCode.INVALID_PRODUCER_EPOCH)
    expected = 0 if batch.producer_epoch > last.epoch else (last.last_sequence + 1) % _SEQUENCES
    if batch.base_sequence != expected:
        raise Refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)


def _older_than_topic(connection: sqlite3.Connection, partition: Partition, producer_id: int) -> bool:
    """A producer that outlives a topic goes on counting where it was when the topic is made anew."""
    statement = "SELECT first_producer_id FROM topic WHERE topic_id = ?"
    found = connection.execute(statement, (partition.topic_id,)).fetchone()
    return found is not None and producer_id < found[0]
