"""The broker: opens the file, listens, and closes both in order.
`async with Broker(data=folder) as broker:` gives `broker.bootstrap` to whoever wants a Kafka."""

import asyncio
import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.broker.connection import Connection
from deploy.embedded.broker.groups.coordinator import Coordinator
from deploy.embedded.broker.node import KAFKA_DEFAULTS, Limits, Node
from deploy.embedded.broker.storage.committer import Committer
from deploy.embedded.broker.storage.database import lock_folder, open_for_reading, open_for_writing
from deploy.embedded.broker.storage.log import Log
from deploy.embedded.broker.storage.offsets import CommittedOffsets, ProducerIds
from deploy.embedded.broker.storage.topics import Topics, stored_topics

_READ_AHEAD = 1024 * 1024


class NotLoopback(ValueError):
    """This broker has no access control, so it listens where nobody else can reach it. Use 127.0.0.1."""


class Broker:
    def __init__(
        self,
        *,
        data: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits = KAFKA_DEFAULTS,
        max_bytes: int | None = None,
    ) -> None:
        """Port 0 takes a free one. `max_bytes` bounds the file; what is beyond it is refused as a full disk is."""
        self._host = "127.0.0.1" if host == "localhost" else host
        if not ipaddress.ip_address(self._host).is_loopback:
            raise NotLoopback(f"{host} is not a loopback address; this broker has no access control")
        self._data = data
        self._port = port
        self._limits = limits
        self._max_bytes = max_bytes
        self._open = AsyncExitStack()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def bootstrap(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            server = await self._listen(opening)
            self._port = server.sockets[0].getsockname()[1]
            self._node = self._open_node(opening)
            await server.start_serving()
            opening.callback(server.close)  # the first thing to end
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def _listen(self, opening: AsyncExitStack) -> asyncio.Server:
        """Listening begins before the file is opened, so that a port in use leaves the file alone."""
        server = await asyncio.start_server(self._serve, self._host, self._port, limit=_READ_AHEAD, start_serving=False)
        opening.callback(server.close)
        return server

    def _open_node(self, opening: AsyncExitStack) -> Node:
        opening.enter_context(lock_folder(folder=self._data))
        path = self._data / "broker.sqlite3"
        writing = open_for_writing(path=path, max_bytes=self._max_bytes)
        topics = stored_topics(connection=writing)
        committer = Committer(connection=writing)
        opening.push_async_callback(committer.stop)
        log = Log(committer=committer, connection=open_for_reading(path=path))
        opening.callback(log.close)
        coordinator = Coordinator()
        opening.callback(coordinator.close)
        opening.push_async_callback(self._hang_up)
        return Node(
            host=self._host,
            port=self._port,
            topics=Topics(committer=committer, stored=topics),
            log=log,
            offsets=CommittedOffsets(committer=committer, log=log),
            producer_ids=ProducerIds(committer=committer),
            coordinator=coordinator,
            limits=self._limits,
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(Connection(node=self._node, reader=reader, writer=writer).serve())
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _hang_up(self) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
