"""A TCP proxy between two parts of the system, which does to their bytes what bad networks do, each way by itself.

async with Proxy(to=("127.0.0.1", 9092)) as proxy:      # connect to proxy.host, proxy.port
    proxy.down.delay = 0.2                              # from here on, answers take 0.2 s longer
    proxy.up.hold()                                     # nothing arrives, nothing is reset; TCP keeps it: `release`
    proxy.down.cut_in(0)                                # the next answer is lost, with every connection
    proxy.heal()
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from math import inf
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

Target = tuple[str, int] | str
"""host and port, or the path of a unix socket"""

_CHUNK = 64 * 1024
_AHEAD = 256
"""chunks that are on their way in one direction of a connection"""


class Way:
    """One direction. What is set holds for all connections, from the next bytes on."""

    def __init__(self) -> None:
        self.passed = 0
        """bytes that arrived"""
        self._flows = asyncio.Event()
        self._hold_at: int | None = None
        self.heal()

    def heal(self) -> None:
        """As if nothing had been: what was held arrives."""
        self.delay = 0.0
        self.rate = inf
        """bytes in a second"""
        self._cut_at: int | None = None
        self._flip_at: int | None = None
        self.release()

    def hold(self) -> None:
        """Nothing arrives any more, not even the end of a connection. Both ways: a black hole."""
        self._flows.clear()

    def hold_in(self, more: int) -> None:
        """So many more bytes arrive, and then nothing: half a frame."""
        self._hold_at = self.passed + more

    def release(self) -> None:
        """What was held arrives now, as TCP sends it again."""
        self._hold_at = None
        self._flows.set()

    def cut_in(self, more: int = 0) -> None:
        """So many more bytes arrive; instead of the next one, all connections are reset. In the middle of a frame, or
        with 0 instead of the next thing that is said.
        """
        self._cut_at = self.passed + more

    def flip_in(self, more: int = 0) -> None:
        """The byte after so many more arrives with every bit turned, once."""
        self._flip_at = self.passed + more

    async def take(self, chunk: bytes) -> AsyncIterator[tuple[bytes, bool]]:
        """What is left of a chunk, when it arrives; and whether the line is cut then."""
        if self._hold_at is not None and self.passed + len(chunk) > self._hold_at:
            before, chunk = chunk[: self._hold_at - self.passed], chunk[self._hold_at - self.passed :]
            self.hold()
            yield self._changed(before)
        await self._flows.wait()
        yield self._changed(chunk)

    def _changed(self, chunk: bytes) -> tuple[bytes, bool]:
        cut = self._cut_at is not None and self.passed + len(chunk) > self._cut_at
        if cut:
            chunk, self._cut_at = chunk[: max((self._cut_at or 0) - self.passed, 0)], None
        chunk = self._flipped(chunk)
        self.passed += len(chunk)
        return chunk, cut

    def _flipped(self, chunk: bytes) -> bytes:
        if self._flip_at is None or self.passed + len(chunk) <= self._flip_at:
            return chunk
        at, self._flip_at = max(self._flip_at - self.passed, 0), None
        return b"%b%c%b" % (chunk[:at], chunk[at] ^ 0xFF, chunk[at + 1 :])


class Proxy:
    """Listens on the loopback; `up` leads to the target, `down` back. `port` 0 takes a free one."""

    def __init__(self, *, to: Target, port: int = 0) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.up = Way()
        self.down = Way()
        self.accepted = 0
        """connections so far"""
        self._target = to
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def heal(self) -> None:
        """Both ways, and new connections are taken. Those that were cut stay cut."""
        self._refusing = False
        self.up.heal()
        self.down.heal()

    def cut(self) -> None:
        """Every connection is reset now, at both ends."""
        for writer in list(self._writers):
            writer.transport.abort()

    def refuse(self) -> None:
        """Every connection is reset now, and each new one, until `heal`."""
        self._refusing = True
        self.cut()

    def hold(self) -> None:
        """A black hole: whoever waits is neither answered nor told, until `heal`."""
        self.up.hold()
        self.down.hold()

    def cut_after(self, more: int = 0) -> None:
        """The target gets all that is said; its next answer is lost after so many bytes, with the connection."""
        self.down.cut_in(more)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]
        self._writers.add(writer)
        try:
            if not self._refusing:
                await self._joined(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, away = await _reach(self._target)
        except OSError:
            return
        self._writers.add(away)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(self.up, reader, away))
                both.create_task(self._carry(self.down, onward, writer))
        except* OSError:
            pass  # one end is gone, so the other goes, too
        finally:
            away.transport.abort()
            self._writers.discard(away)

    async def _carry(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_AHEAD)
        async with asyncio.TaskGroup() as both:
            both.create_task(_sent_off(way, reader, on_its_way))
            both.create_task(self._arriving(way, on_its_way, writer))

    async def _arriving(
        self, way: Way, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            async for arrived, cut in way.take(chunk):
                writer.write(arrived)
                await writer.drain()
                if cut:
                    self.cut()
            if not chunk:
                raise ConnectionResetError


async def _sent_off(way: Way, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
    """Every chunk with the time when it arrives. The last one is empty: the end."""
    loop, free, chunk = asyncio.get_running_loop(), 0.0, b"-"
    while chunk:
        with suppress(ConnectionError):
            chunk = b""
            chunk = await reader.read(_CHUNK)
        free = max(free, loop.time()) + len(chunk) / way.rate
        await queue.put((free + way.delay, chunk))


async def _reach(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target, str):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(*target)


def postgres_behind(dsn: str) -> Target:
    """Where the server of a PostgreSQL address is."""
    parts = urlsplit(dsn)
    socket = parse_qs(parts.query).get("host", [""])[0]
    if socket.startswith("/"):
        return f"{socket}/.s.PGSQL.{parts.port or 5432}"
    return parts.hostname or "127.0.0.1", parts.port or 5432


def postgres_through(dsn: str, proxy: Proxy) -> str:
    """The address of the same database through this proxy."""
    parts = urlsplit(dsn)
    account = quote(unquote(parts.username or "postgres"), safe="")
    secret = f":{parts.password}" if parts.password else ""
    return urlunsplit(parts._replace(netloc=f"{account}{secret}@{proxy.address}", query=""))
