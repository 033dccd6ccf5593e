"""The development broker's reading of Kafka's protocol: byte for byte, and that nothing else gets through."""

import struct
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.broker.apis.api_versions import ApiVersionsRequest
from deploy.embedded.broker.apis.table import APIS
from deploy.embedded.broker.batch import record_batch
from deploy.embedded.broker.buffer import Malformed
from deploy.embedded.broker.codec import encode
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.frame import Request, parse, response_frame
from deploy.embedded.broker.node import Caller

CORRELATION_ID = 7
_SPOKEN = [(api.key, version) for api in APIS.values() for version in api.versions]


def header(*, key: int, version: int, client_id: bytes = b"me") -> bytes:
    return struct.pack(">hhih", key, version, CORRELATION_ID, len(client_id)) + client_id


def three_records() -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=9,
        producer_epoch=0,
        base_sequence=4,
        batch_size=10_000,
    )
    for number in range(3):
        builder.append(number, 1000 + number, b"key", b"value", [])
    return bytes(builder.build())


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def test_the_flexible_request_of_librdkafka_is_read() -> None:
    frame = header(key=18, version=3) + b"\x00" + b"\x0blibrdkafka" + b"\x052.16" + b"\x00"
    request = parse(frame=frame)
    assert (request.client_id, request.correlation_id) == ("me", CORRELATION_ID)
    assert request.body == ApiVersionsRequest(client_software_name="librdkafka", client_software_version="2.16")


def test_tagged_fields_are_skipped() -> None:
    tagged = b"\x01\x05\x02ab"  # one field: tag 5, two bytes
    request = parse(frame=header(key=18, version=3) + tagged + b"\x02x\x02y" + tagged)
    assert request.body == ApiVersionsRequest(client_software_name="x", client_software_version="y")


async def test_an_unknown_version_of_api_versions_is_answered_in_version_0() -> None:
    request = parse(frame=header(key=18, version=9) + b"whatever it may hold")
    frame = bytes(response_frame(request=request, answer=await _answer(request)))
    size, correlation_id, error_code, apis = struct.unpack_from(">iihi", frame)
    assert (size, correlation_id, error_code) == (len(frame) - 4, CORRELATION_ID, ErrorCode.UNSUPPORTED_VERSION)
    assert len(frame) == 14 + apis * 6
    assert (18, 0, 3) in list(struct.iter_unpack(">hhh", frame[14:]))


async def _answer(request: Request) -> Any:
    node: Any = None  # this answer needs none
    return await request.api.answer(node, request.body, Caller("", "", request.version))


@pytest.mark.parametrize("key", [24, 25, 26, 28])
def test_requests_of_transactions_are_not_spoken(key: int) -> None:
    with pytest.raises(Malformed):
        parse(frame=header(key=key, version=0))


def test_a_length_beyond_the_frame_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse(frame=header(key=3, version=1) + struct.pack(">i", 2**31 - 1))


@given(spoken=st.sampled_from(_SPOKEN), body=st.binary(max_size=200))
def test_any_bytes_are_malformed_or_a_request_that_can_be_written_again(spoken: tuple[int, int], body: bytes) -> None:
    frame = header(key=spoken[0], version=spoken[1]) + body
    try:
        request = parse(frame=frame)
    except Malformed:
        return
    flexible = request.api.is_flexible(request.spoken)
    written = bytearray()
    encode(value=request.body, to=written, version=request.spoken, flexible=flexible)
    again = parse(frame=header(key=spoken[0], version=spoken[1]) + (b"\0" if flexible else b"") + written)
    assert again.body == request.body


def test_a_batch_gets_its_offset_and_keeps_its_checksum() -> None:
    batch = record_batch(data=three_records())
    assert (batch.records, batch.producer_id, batch.base_sequence, batch.last_sequence) == (3, 9, 4, 6)
    assert batch.max_timestamp == 1002
    moved = record_batch(data=batch.at_offset(base_offset=70))
    assert struct.unpack_from(">q", moved.data) == (70,)
    assert moved.data[16:] == batch.data[16:]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.CORRUPT_MESSAGE),
        (three_records()[:-1], ErrorCode.INVALID_RECORD),
        (three_records() * 2, ErrorCode.INVALID_RECORD),
        (flipped(three_records(), 70), ErrorCode.CORRUPT_MESSAGE),
        (flipped(three_records(), 16), ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    ],
)
def test_what_is_not_one_sound_batch_is_refused(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        record_batch(data=data)
    assert refused.value.code is code
