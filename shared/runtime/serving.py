"""The server that a service's doors are behind: it ends at a signal without breaking off anybody's connection."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

PARTING = 1.0
"""seconds in which callers whose connection is open may say one thing more, and are told that it is the last"""
_LAST = (b"connection", b"close")
_LOOK = 0.02


class Server(uvicorn.Server):
    """Ends at a signal and returns. uvicorn's own raises the signal again, which would end the process before it has
    let go of its groups, its spans and its connections; and it closes idle connections at once, on which a caller may
    just have sent a command.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no new connection; each answer from now on is its connection's last; then the idle ones are closed."""
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append(_LAST)
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn's own set, which tells nobody
                    await asyncio.sleep(_LOOK)
        await super().shutdown(sockets)
