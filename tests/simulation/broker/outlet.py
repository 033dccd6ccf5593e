"""A producer: each partition's messages in order, in one request or two; some may be there when it fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from aiokafka import TopicPartition

from shared.runtime.bus.wire import Message, Outlet
from tests.simulation.broker.topics import Broker


class _Producer:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def publish(self, parted: Mapping[tuple[str, int], Sequence[Message]]) -> None:
        """Raises the first failure when all is over; until then each partition goes on by itself."""
        sent = [self._send(TopicPartition(*place), messages) for place, messages in parted.items()]
        for failed in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed

    async def _send(self, place: TopicPartition, messages: Sequence[Message]) -> None:
        cut = self._broker.world.chance.randint(1, len(messages))
        for part in (messages[:cut], messages[cut:]):
            if part:
                await self._request(place, part)

    async def _request(self, place: TopicPartition, messages: Sequence[Message]) -> None:
        await self._broker.line.ask(f"publish {place.partition}", lambda: self._broker.append(place, messages))


def outlet(broker: Broker) -> Callable[[], AbstractAsyncContextManager[Outlet]]:
    """Opens one where the broker answers."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Outlet]:
        await broker.line.ask("open a producer", lambda: None)
        yield _Producer(broker)

    return opened
