"""One client's connection. Requests are answered one after another, in their order, as Kafka does; only produce
requests overlap, so that those which a client sends ahead share a commit."""

import asyncio
import logging

from deploy.embedded.broker.buffer import Malformed
from deploy.embedded.broker.frame import Request, parse, read_frame, response_frame
from deploy.embedded.broker.node import Caller, Node

logger = logging.getLogger(__name__)

_MOST_IN_FLIGHT = 64


class Connection:
    def __init__(self, *, node: Node, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._node = node
        self._reader = reader
        self._writer = writer
        self._client_host = str((writer.get_extra_info("peername") or ("a client that is gone",))[0])
        self._in_flight: asyncio.Queue[asyncio.Task[bytearray | None]] = asyncio.Queue(_MOST_IN_FLIGHT)

    async def serve(self) -> None:
        """Until the client goes, or sends what is no request: then the connection is closed with a line in the log."""
        sending = asyncio.create_task(self._send_answers())
        receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop(sending, receiving)

    async def _receive(self) -> None:
        try:
            while (frame := await read_frame(reader=self._reader)) is not None:
                request = parse(frame=frame)
                answering = asyncio.create_task(self._answer(request))
                await self._in_flight.put(answering)
                if not request.api.pipelined:
                    await asyncio.wait((answering,))
        except Malformed as malformed:
            logger.warning("closed the connection of %s: %s", self._client_host, malformed)

    async def _answer(self, request: Request) -> bytearray | None:
        caller = Caller(request.client_id, self._client_host, request.version)
        answer = await request.api.answer(self._node, request.body, caller)
        return None if answer is None else response_frame(request=request, answer=answer)

    async def _send_answers(self) -> None:
        try:
            while True:
                frame = await (await self._in_flight.get())
                if frame is not None:
                    self._writer.write(frame)
                    await self._writer.drain()
        except ConnectionError:
            pass  # the client is gone, and so is its wish to know
        except Exception:
            logger.exception("closed the connection of %s: its request could not be answered", self._client_host)

    async def _stop(self, *tasks: asyncio.Task[None]) -> None:
        unanswered = [self._in_flight.get_nowait() for _ in range(self._in_flight.qsize())]
        for task in (*tasks, *unanswered):
            task.cancel()
        await asyncio.gather(*tasks, *unanswered, return_exceptions=True)
        self._writer.close()
