"""Requests that no client library would send, at a real socket: lengths that disagree, chunks that lie, half a body."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from tests.unit.runtime.conftest import Lines
from tests.unit.runtime.http.world import CANARY, World

HOST = b"Host: world\r\nContent-Type: application/json\r\nConnection: close\r\n"
BODY = b'{"text": "x"}'

RAW: dict[str, bytes] = {
    "two lengths": b"POST /notes HTTP/1.1\r\n%bContent-Length: 13\r\nContent-Length: 2\r\n\r\n%b",
    "both framings": b"POST /notes HTTP/1.1\r\n%bContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%b",
    "a length that is none": b"POST /notes HTTP/1.1\r\n%bContent-Length: CANARY-Jane-Doe-1985\r\n\r\n%b",
    "a negative length": b"POST /notes HTTP/1.1\r\n%bContent-Length: -5\r\n\r\n%b",
    "a length of 5,000 digits": b"POST /notes HTTP/1.1\r\n%bContent-Length: " + b"9" * 5000 + b"\r\n\r\n%b",
    "a chunk size that is none": b"POST /notes HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\nzz\r\n%b\r\n0\r\n\r\n",
    "an unknown coding": b"POST /notes HTTP/1.1\r\n%bTransfer-Encoding: xchunked\r\n\r\n%b",
    "a folded header": b"POST /notes HTTP/1.1\r\n%bX-A: a\r\n b\r\nContent-Length: 13\r\n\r\n%b",
    "a space before the colon": b"POST /notes HTTP/1.1\r\n%bContent-Length : 13\r\n\r\n%b",
    "bare line feeds": b"POST /notes HTTP/1.1\n%bContent-Length: 13\n\n%b",
    "NUL in a header": b"POST /notes HTTP/1.1\r\n%bX-A: a\x00b\r\nContent-Length: 13\r\n\r\n%b",
    "an unknown version": b"POST /notes HTTP/9.9\r\n%bContent-Length: 13\r\n\r\n%b",
    "an unknown method": b"CANARYJANE /notes HTTP/1.1\r\n%bContent-Length: 13\r\n\r\n%b",
    "an absolute address": b"GET http://elsewhere/CANARY-Jane-Doe-1985 HTTP/1.1\r\n%b\r\n%b",
    "an address of 70,000": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n%b\r\n%b",
    "bytes that are no text in the address": b"GET /notes/\xff\xfe HTTP/1.1\r\n%b\r\n%b",
    "noise": b"\x16\x03\x01\x02\x00%b%b",
}


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, access_log=False, lifespan="off"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield listening.getsockname()[1]
        server.should_exit = True
        await serving


async def said(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("name", RAW)
async def test_a_request_that_lies_changes_nothing(world: World, lines: Lines, port: int, name: str) -> None:
    raw = RAW[name] % (HOST + f"Authorization: Bearer {world.token()}\r\n".encode(), BODY)
    answer = await said(port, raw)
    assert b" 50" not in answer[:15]
    assert CANARY.encode() not in answer
    assert CANARY not in json.dumps(lines())
    well = await said(port, b"GET /health/live HTTP/1.1\r\nHost: world\r\nConnection: close\r\n\r\n")
    assert well.startswith(b"HTTP/1.1 200")
    assert world.notes.effects <= 1


async def test_half_a_body_is_no_body(world: World, port: int) -> None:
    head = HOST + f"Authorization: Bearer {world.token()}\r\n".encode()
    await said(port, b"POST /notes HTTP/1.1\r\n%bContent-Length: 100\r\n\r\n%b" % (head, BODY))
    assert world.notes.effects == 0
