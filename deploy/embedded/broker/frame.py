"""Frames: a length, a header, a message. From bytes to a request that can be answered, and from an answer to bytes."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

from deploy.embedded.broker.apis.api import Api
from deploy.embedded.broker.apis.api_versions import API_VERSIONS_KEY
from deploy.embedded.broker.apis.table import APIS
from deploy.embedded.broker.buffer import Malformed, Source
from deploy.embedded.broker.codec import decode, encode

MOST_FRAME_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">i")
_SHORT = struct.Struct(">h")
_REQUEST_HEADER = struct.Struct(">hhi")
_RESPONSE_HEADER = struct.Struct(">ii")


@dataclass(frozen=True, slots=True)
class Request:
    """`spoken` is the version of the answer; it differs from the version asked for in ApiVersions alone."""

    api: Api[Any]
    version: int
    spoken: int
    correlation_id: int
    client_id: str
    body: Any


async def read_frame(*, reader: asyncio.StreamReader) -> bytes | None:
    """None at the end of the connection, wherever in a frame it comes."""
    try:
        (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if not 8 <= size <= MOST_FRAME_BYTES:
            raise Malformed(f"a frame of {size} bytes")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def parse(*, frame: bytes) -> Request:
    source = Source(frame)
    key, version, correlation_id = source.unpack(_REQUEST_HEADER)
    api = APIS.get(key)
    if api is None or (version not in api.versions and key != API_VERSIONS_KEY):
        raise Malformed(f"request {key} in version {version} is not spoken here")
    if version not in api.versions:
        return Request(api, version, 0, correlation_id, "", api.request())
    (client_id_size,) = source.unpack(_SHORT)
    client_id = source.take(max(client_id_size, 0)).decode(errors="replace")
    flexible = api.is_flexible(version)
    if flexible:
        source.skip_tagged_fields()
    body = decode(kind=api.request, data=frame, at=source.at, version=version, flexible=flexible)
    return Request(api, version, version, correlation_id, client_id, body)


def response_frame(*, request: Request, answer: object) -> bytearray:
    """The header of every answer spoken here is the old one: ApiVersions keeps it even in its flexible version."""
    frame = bytearray(_RESPONSE_HEADER.size)
    flexible = request.api.is_flexible(request.spoken)
    encode(value=answer, to=frame, version=request.spoken, flexible=flexible)
    _RESPONSE_HEADER.pack_into(frame, 0, len(frame) - _LENGTH.size, request.correlation_id)
    return frame
