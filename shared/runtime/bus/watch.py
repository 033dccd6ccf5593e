"""Whether the topic still holds what was published: it may be deleted, cut off, or lose its newest messages.

What is gone is published again by itself, from the log's beginning: duplicates are harmless, holes are not (ADR 0018).
"""

import asyncio
import logging
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.bus.extents import Extents, Span
from shared.runtime.bus.topics import PARTITIONS, ensure_topics, event_topics, topics_plan

_LOOK = 10.0
_PATIENCE = 10.0
_LOOKS_AGAIN = 2
_PAUSE = 1.0
_FOR_EVER = frozenset({"cleanup.policy", "retention.ms", "retention.bytes"})
_LOG = logging.getLogger(__name__)


class Watch(Protocol):
    """Looks after what is published."""

    @property
    def trouble(self) -> str | None:
        """What a person has to do something about."""

    def due(self) -> bool:
        """Whether it is time to look again."""

    async def lost(self, *, position: int) -> bool:
        """Whether messages are gone that were acknowledged, of the log up to here. Raises like an outlet."""


class KafkaWatch:
    """Over one service's topic. Makes it where it is missing."""

    def __init__(self, *, bootstrap: str, topic: str, replicas: int, extents: Extents) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._replicas = replicas
        self._extents = extents
        self._looked_at = float("-inf")
        self.trouble: str | None = None

    def due(self) -> bool:
        return asyncio.get_running_loop().time() - self._looked_at >= _LOOK

    async def lost(self, *, position: int) -> bool:
        self._looked_at = asyncio.get_running_loop().time()
        async with asyncio.timeout(_PATIENCE):
            await self._make()
            found = await self._surely_found(position)
            lost = bool(position) and await self._compared(found, position)
        if lost or not self._extents.known:
            self._extents.take(found)
        return lost

    async def _make(self) -> None:
        for name in await ensure_topics(bootstrap=self._bootstrap, names=[self._topic], replicas=self._replicas):
            _LOG.warning("a topic was missing, or lacked partitions, and is made", extra={"topic": name})

    async def _surely_found(self, position: int) -> dict[int, Span]:
        """A partition's new leader may know less for a moment than what its predecessor acknowledged."""
        found = await self._found()
        for _ in range(_LOOKS_AGAIN):
            if not (position and self._gone(found)):
                break
            await asyncio.sleep(_PAUSE)
            found = await self._found()
        return found

    async def _found(self) -> dict[int, Span]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, enable_auto_commit=False)
        try:
            await consumer.start()
            partitions = [TopicPartition(self._topic, number) for number in range(PARTITIONS)]
            firsts = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            return {one.partition: Span(firsts[one], ends[one]) for one in partitions}
        finally:
            await consumer.stop()

    def _gone(self, found: dict[int, Span]) -> bool:
        """What was published before anything was known of the topic is there, where the topic is not empty."""
        empty = not any(span.next for span in found.values())
        return self._extents.shrunk(found) or (empty and not self._extents.known)

    async def _compared(self, found: dict[int, Span], position: int) -> bool:
        if self._gone(found):
            _LOG.error("a topic has lost what was published", extra={"topic": self._topic, "position": position})
            return True
        self.trouble = None
        return self._extents.cut(found) and await self._may_say_again(position)

    async def _may_say_again(self, position: int) -> bool:
        """A topic that does not keep its messages would lose them again and again: that is for a person to change."""
        [step] = await topics_plan(
            bootstrap=self._bootstrap, topics=event_topics([self._topic], replicas=self._replicas)
        )
        if any(one.what in _FOR_EVER for one in step.differences):
            self.trouble = f"{self._topic} does not keep its messages for ever, and has lost its beginning"
            _LOG.error("a topic does not keep its messages", extra={"topic": self._topic})
            return False
        _LOG.error("a topic has lost its beginning", extra={"topic": self._topic, "position": position})
        return True
