"""A server that ends lets go of its callers one by one: nobody's connection ends between question and answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn

from shared.runtime.serving import Server
from tests.support.harness import eventually

QUESTION = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Asked:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self) -> str:
        self._writer.write(QUESTION)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert await self._reader.readexactly(2) == b"ok"
        return head

    async def over(self) -> bool:
        return await self._reader.read() == b""


async def ok(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(uvicorn.Config(ok, port=0, lifespan="off", log_config=None, date_header=False))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield server
    server.should_exit = True
    await task


async def a_caller(server: Server) -> Asked:
    port = server.servers[0].sockets[0].getsockname()[1]
    return Asked(*await asyncio.open_connection("127.0.0.1", port))


async def ending(server: Server) -> None:
    """It has begun to end: it takes no new connection."""
    server.should_exit = True
    await eventually(lambda: not server.servers[0].is_serving())


async def test_a_question_on_an_open_connection_is_answered_and_told_to_be_the_last(server: Server) -> None:
    caller = await a_caller(server)
    assert "connection: close" not in await caller.ask()
    await ending(server)
    assert "connection: close" in await caller.ask()
    assert await caller.over()


async def test_who_asks_nothing_more_is_let_go(server: Server) -> None:
    caller = await a_caller(server)
    await caller.ask()
    await ending(server)
    assert await caller.over()


async def test_nobody_new_is_taken(server: Server) -> None:
    await a_caller(server)
    address = server.servers[0].sockets[0].getsockname()
    await ending(server)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
