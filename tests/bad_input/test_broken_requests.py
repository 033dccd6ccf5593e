"""Each service is sent sixty broken requests: none is taken, none is a 5xx, and nothing of them is shown or kept."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from tests.bad_input.broken import BODIES, CANARY, KINDS, RAW
from tests.bad_input.conftest import WRITING, Door, logged, process
from tests.support.system import System

LARGEST = 16 * 1024 * 1024
pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.timeout(300)]


async def head(system: System, service: str) -> int:
    connection = await asyncpg.connect(system.running.databases[service])
    try:
        return int(await connection.fetchval("SELECT coalesce(max(position), 0) FROM events"))
    finally:
        await connection.close()


def is_refused(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500 and CANARY not in answer.text


async def test_sixty_broken_requests_are_refused_and_leave_nothing(system: System, service: str) -> None:
    door, before, life = WRITING[service], await head(system, service), process(system, service)
    async with system.client(door.caller, service) as client:
        bodies = {name: await _sent(client, door, body) for name, body in BODIES.items()}
        kinds = {kind: await _sent(client, door, b"{}", kind=kind) for kind in KINDS}
    raw = {name: await _raw(system, service, bytes_) for name, bytes_ in RAW.items()}
    assert len(bodies) + len(kinds) + len(raw) == 60
    assert {name: answer.status_code for name, answer in (bodies | kinds).items() if not is_refused(answer)} == {}
    assert {name: said for name, said in raw.items() if not _is_no(said)} == {}
    assert await head(system, service) == before
    assert CANARY not in logged(system, service)
    assert process(system, service) == life


async def test_the_memory_of_a_large_body_is_given_back(system: System, service: str) -> None:
    door, life = WRITING[service], process(system, service)
    async with system.client(door.caller, service) as client:
        await asyncio.gather(*(_sent(client, door, BODIES["20 MB"]) for _ in range(2)))
        settled = life.memory_info().rss
        for _ in range(5):
            await asyncio.gather(*(_sent(client, door, BODIES["20 MB"]) for _ in range(4)))
    assert life.memory_info().rss < settled * 1.1 + 20_000_000


async def test_many_who_send_slowly_keep_nobody_else_out(system: System, service: str) -> None:
    """Two hundred connections that begin a request and never end it: the next caller is answered all the same."""
    address, door = urlsplit(system.running.services[service]), WRITING[service]
    slow = [await asyncio.open_connection(address.hostname, address.port) for _ in range(200)]
    try:
        for _, writer in slow:
            writer.write(b"POST %b HTTP/1.1\r\nHost: carelog\r\nContent-Length: 90\r\n\r\n{" % door.path.encode())
        async with system.client(door.caller, service) as client:
            assert (await client.get("/health/ready")).status_code == 200
            assert is_refused(await _sent(client, door, b"{}", kind="text/plain"))
    finally:
        for _, writer in slow:
            writer.close()


async def _sent(client: httpx.AsyncClient, door: Door, body: bytes, kind: str = "application/json") -> httpx.Response:
    """The answer. A body that is too large is not read: its sender may be cut off before it hears the 413."""
    try:
        return await client.request(door.method, door.path, content=body, headers={"Content-Type": kind})
    except (httpx.ReadError, httpx.WriteError):
        assert len(body) > LARGEST, "cut off"
        return httpx.Response(413)


async def _raw(system: System, service: str, request: bytes) -> bytes:
    """What the socket said until it was closed; nothing where it was cut off."""
    address, door = urlsplit(system.running.services[service]), WRITING[service]
    line = f"{door.method} {door.path} HTTP/1.1\r\n".encode()
    token = f"Authorization: Bearer {system.token(door.caller)}\r\n".encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(request.replace(b"%(line)b", line).replace(b"%(token)b", token))
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def _is_no(said: bytes) -> bool:
    statuses = [line.split(b" ")[1][:1] for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return all(status == b"4" for status in statuses) and CANARY.encode() not in said
