"""A line between a store and its engine that a test can cut or let fall silent, whoever's the engine is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """Listens on loopback and passes everything on, both ways, for as long as it is `up`."""

    def __init__(self, *, engine: Callable[[], Awaitable[Streams]]) -> None:
        self._engine = engine
        self._open = asyncio.Event()
        self._open.set()
        self._calls: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._call, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._open.set()

    async def cut(self) -> None:
        """Nobody is there any more, and who was connected is not."""
        if self._server:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def silent(self) -> None:
        """Connections stay and are taken; no byte passes."""
        self._open.clear()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.ensure_future(self._pass(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._engine()
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            writer.close()
            back.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
            writer.close()


@asynccontextmanager
async def line(*, engine: Callable[[], Awaitable[Streams]]) -> AsyncIterator[Line]:
    between = Line(engine=engine)
    await between.up()
    try:
        yield between
    finally:
        await between.cut()
