"""An HTTP client that costs little, so that the server is what is measured; a request at a time on each line."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from deploy.embedded.ports import HOST

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Unwelcome(RuntimeError):
    """The server answered with something else than was wanted."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection that is kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> None:
        """Sends it, and returns when the whole answer is there. Raises `Unwelcome` where it is not 201."""
        self.writer.write(request)
        head = await self.reader.readuntil(_END_OF_HEAD)
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
        await self.reader.readexactly(int(length.removeprefix(_LENGTH)))
        if not head.startswith(b"HTTP/1.1 201"):
            raise Unwelcome(head.partition(b"\r\n")[0].decode("latin-1"))


@asynccontextmanager
async def lines(port: int, *, count: int) -> AsyncIterator[Sequence[Line]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_line(port)) for _ in range(count)]


def post(path: str, body: bytes, *, token: str) -> bytes:
    """The bytes of a request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def rate(through: Sequence[Line], request: bytes, *, count: int) -> float:
    """Requests a second, each line one after the other."""
    each = max(1, count // len(through))

    async def client(line: Line) -> None:
        for _ in range(each):
            await line.ask(request)

    began = perf_counter()
    await asyncio.gather(*(client(line) for line in through))
    return each * len(through) / (perf_counter() - began)


@asynccontextmanager
async def _line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
