"""A consumer group's member: batches of contracts, each partition in order, committed only after they were handled.

What cannot be reached just now is tried again with a growing pause, for as long as it takes. A message that cannot be
applied is set aside with the rest of its aggregate (`handling`, `parking`): nothing is skipped, and the partition goes
on. FastStream keeps the connection and the subscription; the loop is ours, because its own logs a handler's error and
goes on (ADR 0004).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from math import ceil

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, KafkaTimeoutError

from shared.runtime.bus.handling import Handling
from shared.runtime.bus.listening import Listener, header
from shared.runtime.bus.parking import Parking
from shared.runtime.bus.silence import Silence
from shared.runtime.bus.topics import PARTITIONS
from shared.runtime.bus.trying import AWAY, Moved
from shared.runtime.bus.wire import Inlet, Inlets, Partitions, Record

_RECORDS = 2_000
_IDLE_MS = 1_000
_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
"""seconds between the tries of what waits for something that is away"""
_FINISH = 10.0
"""seconds that a rebalance waits for what is in hand: well under the session timeout"""
_PASSES = 10
_EVERY = 1.0
"""seconds between two commits: each costs the broker as much as a batch of messages and stays in its log of offsets,
which it reads when it starts; what a crash leaves to be read again is known by its versions"""
_COMMIT = 10.0
"""seconds for a commit: its client would look for an absent broker for ever, and may be stuck when that is back"""
_LAST_WORDS = 2.0

_LOG = logging.getLogger(__name__)


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One group's member in this process. `run` goes on until cancelled.

    `progress_at`: when, by the loop's clock, it last did something, be it to wait for somebody who is away.
    """

    def __init__(
        self,
        inlets: Inlets,
        *,
        group: str,
        topics: Sequence[str],
        listener: Listener,
        parking: Parking,
        every: float = _EVERY,
    ) -> None:
        """`every`: seconds between two commits."""
        self.group = group
        self.every = every
        self.batches = 0
        self.progress_at = asyncio.get_running_loop().time()
        self._inlets = inlets
        self._topics = topics
        self._handling = Handling(group=group, listener=listener, parking=parking)
        self._inlet: Inlet | None = None
        self._turn = 0
        """counts assignments: what was begun in an earlier one is not ours any more"""
        self._leaving = False
        self._free = asyncio.Event()
        self._free.set()
        self._positions: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        """offsets up to which all is handled, and which are to be committed"""
        self._committed_at = float("-inf")
        self._oldest: datetime | None = None
        """when the oldest message was recorded that is known and not handled"""

    async def run(self) -> None:
        while True:
            try:
                async with self._inlets(group=self.group, topics=self._topics, listener=self) as self._inlet:
                    try:
                        await self._loop(self._inlet)
                    finally:
                        await self._last_commit(self._inlet)
            except (KafkaError, OSError) as error:
                _LOG.warning("a consumer is interrupted", extra={"group": self.group, "error": type(error).__name__})
            except Exception:  # noqa: BLE001 - a group without its consumer would stand still in silence
                _LOG.exception("a consumer failed and begins again", extra={"group": self.group})
            finally:
                self._inlet = None
            self._progress()  # it tries: whoever is away is not mended by ending this process
            await asyncio.sleep(_PAUSES[3])

    # whoever watches -------------------------------------------------------------------------------------------------

    @property
    def applied(self) -> int:
        """Messages that the listener has handled."""
        return self._handling.applied

    @property
    def retries(self) -> int:
        """How often something was tried once more because it could not be applied."""
        return self._handling.retries

    @property
    def parked(self) -> int:
        """Messages that are set aside for this group now, here and in other processes."""
        return self._handling.parked

    @property
    def lag(self) -> float:
        """The age in seconds of the oldest message that is known and not handled; 0: all of them are."""
        return max(0.0, (datetime.now(UTC) - self._oldest).total_seconds()) if self._oldest else 0.0

    async def place(self) -> tuple[int, int] | None:
        """How many messages of its partitions are handled and committed, and how many there are; None: not begun."""
        inlet = self._inlet
        if inlet is None or not inlet.assignment():
            return None
        ends = await inlet.end_offsets(inlet.assignment())
        committed = [await inlet.committed(partition) or 0 for partition in ends]
        return sum(committed), sum(ends.values())

    async def passed(self, topic: str) -> bool:
        """Whether the group, here and in other processes, has got past all that is in the topic just now."""
        inlet = self._inlet
        if inlet is None:
            return False
        ends = await inlet.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
        for _ in range(_PASSES):
            ends = {one: end for one, end in ends.items() if end > (await inlet.committed(one) or 0)}
            if not ends:
                return True
            await asyncio.sleep(_PAUSES[2])
        return False

    # a rebalance -----------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: object) -> None:
        """What is in hand is finished and committed; what takes too long is dropped at its next step."""
        self._leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH):
                await self._free.wait()
        if self._inlet:
            await self._last_commit(self._inlet)
        self._begin_turn()

    async def on_partitions_assigned(self, assigned: object) -> None:
        self._begin_turn()
        self._leaving = False

    def _begin_turn(self) -> None:
        self._turn += 1
        self._positions.clear()
        self._uncommitted.clear()
        self._oldest = None
        self._handling.forget()

    # the loop --------------------------------------------------------------------------------------------------------

    async def _loop(self, inlet: Inlet) -> None:
        self._begin_turn()
        self._leaving = False
        silence = Silence(inlet)
        failures = 0
        while True:
            records = await inlet.getmany(timeout_ms=self._idle_ms(), max_records=_RECORDS)
            self._progress()
            if self._leaving:
                silence.in_rebalance()
                continue  # not committed: given again to whoever has the partition next
            if records:
                silence.broken()
            else:
                await silence.kept()
            turn = self._turn
            try:
                await self._busy(inlet, records, turn)
                failures = 0
            except Moved:
                _LOG.info("a rebalance came while a batch was in hand", extra={"group": self.group})
            except AWAY as error:
                self._rewind(inlet, records, turn)
                extra = {"group": self.group, "error": type(error).__name__}
                _LOG.warning("a consumer waits for what it needs", extra=extra)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    async def _busy(self, inlet: Inlet, records: Partitions, turn: int) -> None:
        """What operators want again, then what has come; a rebalance waits for it."""
        self._free.clear()
        try:
            still = partial(self._still, turn)
            await self._handling.replay(inlet.assignment(), still)
            if records:
                await self._handle(inlet, records, still)
            if self._uncommitted and self._idle_ms() == 0:
                still()
                await self._commit(inlet)
        finally:
            self._free.set()

    async def _handle(self, inlet: Inlet, records: Partitions, still: Callable[[], None]) -> None:
        self._oldest = _recorded_first(records) or self._oldest
        await self._handling.handle([record for batch in records.values() for record in batch], still)
        still()
        after = {partition: batch[-1].offset + 1 for partition, batch in records.items()}
        self.batches += 1
        self._positions |= after
        self._uncommitted |= after
        if all(position >= (inlet.highwater(one) or 0) for one, position in self._positions.items()):
            self._oldest = None

    def _idle_ms(self) -> int:
        """How long the loop may wait for messages: not past the time of its next commit."""
        if self._leaving or not self._uncommitted:
            return _IDLE_MS
        return ceil(1_000 * max(0.0, self._committed_at + self.every - asyncio.get_running_loop().time()))

    async def _commit(self, inlet: Inlet) -> None:
        """After a rebalance the partition is another's: it reads again what we have handled, which is a duplicate.

        Raises `KafkaTimeoutError` where no answer comes: then another client may get one.
        """
        offsets = dict(self._uncommitted)
        try:
            async with asyncio.timeout(_COMMIT):
                await inlet.commit(offsets)
        except (CommitFailedError, IllegalStateError) as moved:
            _LOG.info("a commit came after a rebalance", extra={"error": type(moved).__name__})
        except TimeoutError:
            raise KafkaTimeoutError from None
        self._uncommitted = dict(self._uncommitted.items() - offsets.items())
        self._committed_at = asyncio.get_running_loop().time()

    async def _last_commit(self, inlet: Inlet) -> None:
        """What is handled when the partitions go elsewhere, so that nobody has to read it again."""
        if self._uncommitted:
            with suppress(KafkaError, OSError):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._commit(inlet)

    def _progress(self) -> None:
        self.progress_at = asyncio.get_running_loop().time()

    def _still(self, turn: int) -> None:
        """Said between the steps of what is in hand. Raises `Moved`."""
        self._progress()
        if turn != self._turn:
            raise Moved

    def _rewind(self, inlet: Inlet, records: Partitions, turn: int) -> None:
        """In a later turn the group's committed offsets say where to go on."""
        for partition, batch in records.items():
            if turn == self._turn and partition in inlet.assignment():
                inlet.seek(partition, batch[0].offset)


def _recorded_first(records: Partitions) -> datetime | None:
    """When the oldest of them was recorded, by what the first of each partition says of itself."""
    said = [_recorded(batch[0]) for batch in records.values()]
    return min((at for at in said if at), default=None)


def _recorded(record: Record) -> datetime | None:
    try:
        at = datetime.fromisoformat((header(record, "ce_recordedtime") or b"").decode())
    except ValueError:
        return None
    return at if at.tzinfo else None
