"""Fills one generation from the topics: all partitions, read by a few consumers of this process alone.

Nobody joins the consumer group: the partitions are taken as they are, so that one that was killed holds nobody up, and
the worker that follows the alias joins a group whose offsets say how far it is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import Contract
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.listening import Listener
from shared.runtime.bus.parking import Parking
from shared.runtime.bus.projector import Projector
from shared.runtime.bus.topics import PARTITIONS
from shared.runtime.bus.wire import Inlet
from shared.runtime.projecting import Applier
from shared.runtime.projection import Projection
from shared.runtime.rebuild.comparing import Mend
from shared.runtime.workers import background

_LANES = 3
"""consumers side by side: while one waits for the document store, another one decodes"""
_LOOK = 0.5
_EVERY = 0.1
"""seconds between two commits, from which the progress is known"""
_CLOSE = 3.0
"""seconds within which what has come meanwhile must be in, for the generation to count as level"""
_WINDOW = 20
"""looks that the rate is taken over"""
_PARTITION_BYTES, _FETCH_BYTES = 2**20, 16 * 2**20
"""how much is fetched ahead of a partition, and at once: what a rebuild takes of memory is mostly that"""


class Refill(Projector):
    """A generation's listener that only applies: no spans, and holes are for the comparison to find."""

    def __init__(self, projection: Projection[Any], *, applier: Applier) -> None:
        self._projection = projection
        self._applier = applier

    async def handle(self, contracts: Sequence[Contract]) -> None:
        await self._applier.apply(contracts)


class Filling:
    """Everything on these topics, applied by `listener` and committed for `group`. `run` goes on until cancelled."""

    def __init__(
        self,
        *,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        listener: Listener,
        parking: Parking,
        mend: Mend | None = None,
    ) -> None:
        """`mend` applies what the topics lack of these aggregates, from their owners."""
        self.group = group
        self.mend = mend
        self.applied = 0
        self.there = 0
        self._bootstrap = bootstrap
        self._topics = topics
        self._places: dict[TopicPartition, int] = {}
        """the offset of each partition up to which everything is applied"""
        self._readers: list[AIOKafkaConsumer] = []
        self._samples: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._consumers = [
            Consumer(self._lane(number), group=group, topics=topics, listener=listener, parking=parking, every=_EVERY)
            for number in range(_LANES)
        ]

    @property
    def rate(self) -> float:
        """Messages a second, over the last looks."""
        if len(self._samples) < 2:
            return 0.0
        (began, first), (now, last) = self._samples[0], self._samples[-1]
        return (last - first) / (now - began) if now > began else 0.0

    @property
    def reads(self) -> bool:
        """Every lane is connected."""
        return len(self._readers) == _LANES

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            for number, consumer in enumerate(self._consumers):
                await stack.enter_async_context(background(consumer.run(), f"{self.group} {number}"))
            await asyncio.Event().wait()

    async def until_level(self) -> AsyncIterator[None]:
        """Ends when all that was on the topics at some moment is in; gives a turn at each look until then."""
        while True:
            while (ends := await self._ends()) is None:
                yield
                await asyncio.sleep(_LOOK)
            began = _now()
            while any(self._places.get(partition, 0) < end for partition, end in ends.items()):
                self._sample(ends)
                yield
                await asyncio.sleep(_LOOK)
            self._sample(ends)
            yield
            if _now() - began < _CLOSE:
                return

    def _sample(self, ends: Mapping[TopicPartition, int]) -> None:
        self.there = max(sum(ends.values()), self.there)
        self.applied = sum(self._places.get(partition, 0) for partition in ends)
        self._samples.append((_now(), self.applied))

    async def _ends(self) -> dict[TopicPartition, int] | None:
        """Of all partitions; None: not every lane can say it now."""
        if not self.reads:
            return None
        try:
            found = [await one.end_offsets(one.assignment()) for one in list(self._readers)]
        except (KafkaError, OSError):
            return None
        return {partition: end for ends in found for partition, end in ends.items()}

    def _lane(self, number: int) -> Callable[..., Any]:
        """An opener of the inlet that has every so manieth partition of all topics: a patient's are together."""
        partitions = [TopicPartition(topic, n) for topic in self._topics for n in range(number, PARTITIONS, _LANES)]

        @asynccontextmanager
        async def opened(*, listener: ConsumerRebalanceListener, **_: object) -> AsyncIterator[Inlet]:
            reader = _Reader(self._places, bootstrap=self._bootstrap, group=self.group)
            try:
                await reader.start()
                reader.assign(partitions)
                self._places.update({one: await reader.committed(one) or 0 for one in partitions})
                self._readers.append(reader)
                yield reader
            finally:
                if reader in self._readers:
                    self._readers.remove(reader)
                await reader.stop()

        return opened


class _Reader(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Remembers how far everything is applied."""

    def __init__(self, places: dict[TopicPartition, int], *, bootstrap: str, group: str) -> None:
        super().__init__(
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_PARTITION_BYTES,
            fetch_max_bytes=_FETCH_BYTES,
        )
        self._places = places

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """What is applied counts as such, whether the brokers take note of it or not: a worker that left the group may
        be kept in it for a while, and then nobody else may commit. Each commit makes up for those before it.
        """
        self._places.update(offsets)
        with suppress(KafkaError):
            await super().commit({one: place for one in self.assignment() if (place := self._places.get(one))})


def _now() -> float:
    return asyncio.get_running_loop().time()
