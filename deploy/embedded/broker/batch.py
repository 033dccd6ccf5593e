"""A record batch (magic 2) as the broker sees it: a header to check and to give offsets to, and an opaque rest."""

import struct
from dataclasses import dataclass

from aiokafka.record.util import calc_crc32c

from deploy.embedded.broker.errors import ErrorCode, Refused

_HEADER = struct.Struct(">qiibIhiqqqhii")
_OFFSET_LENGTH_EPOCH = struct.Struct(">qii")
_BEFORE_LENGTH_COUNTS = 12  # base offset and the length itself
_BEFORE_CRC_COUNTS = 21
_COMPRESSION, _TRANSACTIONAL, _CONTROL = 0x07, 0x10, 0x20
_NO_LEADER_EPOCH = -1  # one node has no elections
_SEQUENCES = 2**31  # sequence numbers wrap to 0


@dataclass(frozen=True, slots=True)
class RecordBatch:
    data: bytes
    records: int
    max_timestamp: int
    compressed: bool
    producer_id: int
    producer_epoch: int
    base_sequence: int

    @property
    def idempotent(self) -> bool:
        return self.producer_id >= 0

    @property
    def last_sequence(self) -> int:
        return (self.base_sequence + self.records - 1) % _SEQUENCES

    def at_offset(self, *, base_offset: int) -> bytes:
        """The stored form. Neither field is under the CRC, so the rest of the batch is as the producer made it."""
        length = len(self.data) - _BEFORE_LENGTH_COUNTS
        start = _OFFSET_LENGTH_EPOCH.pack(base_offset, length, _NO_LEADER_EPOCH)
        return start + self.data[_OFFSET_LENGTH_EPOCH.size :]


def record_batch(*, data: bytes) -> RecordBatch:
    """The one batch that a produce request may hold for a partition, or `Refused`."""
    if len(data) < _HEADER.size:
        raise Refused(ErrorCode.CORRUPT_MESSAGE, "shorter than a record batch")
    (_, length, _, magic, crc, attributes, last_offset_delta, _, max_timestamp, producer_id, epoch, sequence, count) = (
        _HEADER.unpack_from(data)
    )
    if magic != 2:
        raise Refused(ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, "only record batches of magic 2 are taken")
    if length + _BEFORE_LENGTH_COUNTS != len(data):
        raise Refused(ErrorCode.INVALID_RECORD, "a partition takes exactly one record batch per request")
    if calc_crc32c(memoryview(data)[_BEFORE_CRC_COUNTS:]) != crc:
        raise Refused(ErrorCode.CORRUPT_MESSAGE, "the checksum of the record batch is wrong")
    if count < 1 or count != last_offset_delta + 1:
        raise Refused(ErrorCode.INVALID_RECORD, "the record count does not match the offsets")
    if attributes & (_TRANSACTIONAL | _CONTROL):
        raise Refused(ErrorCode.INVALID_TXN_STATE, "the development broker has no transactions")
    return RecordBatch(data, count, max_timestamp, bool(attributes & _COMPRESSION), producer_id, epoch, sequence)
