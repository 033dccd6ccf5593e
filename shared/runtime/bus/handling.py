"""What becomes of a batch: each message is applied, or set aside durably, before its offset may be committed.

What was set aside is taken up again where an operator wants it: by the owner of its partition, in its order.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from aiokafka import TopicPartition

from shared.kernel import Unavailable
from shared.runtime.bus.listening import Heard, Listener, Unreadable, read
from shared.runtime.bus.parking import BEHIND, Aside, Parking, Standing, why
from shared.runtime.bus.trying import Failed, NotYet, tried
from shared.runtime.bus.wire import Record

_TRIES = (0.05, 0.2)
"""seconds before the second and the third try of what could not be applied; for all of a batch together"""
_LOOK = 1.0
"""seconds between looks at what is set aside: an operator may want it tried again"""
_REPLAYED_AT_ONCE = 500
_AT_MOST = 50_000
"""messages set aside for one group, beyond which it is not the messages that are wrong"""

_LOG = logging.getLogger(__name__)

Still = Callable[[], None]
"""raises `Moved` where the partitions are not ours any more"""


class TooMuchAside(Unavailable):
    """So much is set aside that the consumer itself must be broken: it stands still until that is mended."""


class Handling:
    """One group's way with its messages. `applied`, `retries` and `parked` are counted for whoever watches."""

    def __init__(self, *, group: str, listener: Listener, parking: Parking) -> None:
        self.applied = 0
        self.retries = 0
        self.parked = 0
        self._group = group
        self._listener = listener
        self._parking = parking
        self._aside: Sequence[Standing] = ()
        self._look_at: float | None = None
        """when (by the loop's clock) what is set aside is looked at next; None: before anything else is done"""

    def forget(self) -> None:
        """The partitions are others now: whoever had them may have set something aside."""
        self._look_at = None

    async def look(self, still: Still) -> None:
        """Reads what is set aside, where that is due."""
        now = asyncio.get_running_loop().time()
        if self._look_at is not None and now < self._look_at:
            return
        self._aside = await self._parking.standing(self._group)
        still()
        self.parked = sum(one.messages for one in self._aside if not one.waits)
        self._look_at = now + _LOOK

    async def handle(self, records: Sequence[Record], still: Still) -> None:
        """When this returns, each message is applied or set aside."""
        await self.look(still)
        wanted, aside = self._sorted(records, {one.source for one in self._aside if one.source})
        failed = await self._tried(wanted, still)
        for pause in _TRIES:
            if not failed:
                break
            self.retries += 1
            await asyncio.sleep(pause)
            failed = await self._tried([one.heard for one in failed], still)
        self.applied += len(wanted) - len(failed)
        aside += [_aside(one) for one in failed]
        if aside:
            await self._park(aside, still)

    async def replay(self, ours: Collection[TopicPartition], still: Still) -> None:
        """Takes up what is wanted again in these partitions."""
        await self.look(still)
        for one in [one for one in self._aside if one.wanted and one.partition in ours]:
            await self._replay(one, still)
            self._look_at = None
        await self.look(still)

    async def _replay(self, one: Standing, still: Still) -> None:
        """A page of one source. What fails again stays, and all that is behind it."""
        records = await self._parking.replaying(self._group, one, limit=_REPLAYED_AT_ONCE)
        stuck = set() if one.source else {other.source for other in self._aside if other.source}
        wanted, aside = self._sorted(records, stuck)
        failed = await self._tried(wanted, still)
        aside += [_aside(each) for each in failed]
        left = {each.record.offset for each in aside}
        still()
        await self._parking.release(self._group, [record for record in records if record.offset not in left])
        if aside:
            await self._parking.refused(self._group, one, aside)
        extra = {"group": self._group, "aggregate": one.source, "count": len(records) - len(left)}
        _LOG.info("what was set aside is taken up again", extra=extra)

    def _sorted(self, records: Sequence[Record], stuck: set[UUID]) -> tuple[list[Heard], list[Aside]]:
        """What is to be applied; and what cannot even be read, or comes after something that is set aside."""
        wanted: list[Heard] = []
        aside: list[Aside] = []
        for record in records:
            try:
                heard = read(record, self._listener)
            except Unreadable as error:
                aside.append(Aside(record, error.source, why(error)))
                stuck |= {error.source} if error.source else set()
                continue
            if heard and heard.source in stuck:
                aside.append(Aside(record, heard.source, BEHIND))
            elif heard:
                wanted.append(heard)
        return wanted, aside

    async def _tried(self, wanted: Sequence[Heard], still: Still) -> list[Failed]:
        async def apply(batch: Sequence[Heard]) -> None:
            still()
            await self._listener.handle([heard.contract for heard in batch])

        return await tried(wanted, apply)

    async def _park(self, aside: Sequence[Aside], still: Still) -> None:
        still()
        if self.parked + len(aside) > _AT_MOST:
            raise TooMuchAside
        for one in aside:
            said = {"group": self._group, "topic": one.record.topic, "partition": one.record.partition}
            said |= {"offset": one.record.offset, "aggregate": one.source, "error": one.error}
            quiet = one.waits or one.error == BEHIND
            _LOG.log(logging.INFO if quiet else logging.ERROR, "a message is set aside", extra=said)
        await self._parking.park(self._group, aside)
        self._look_at = None


def _aside(failed: Failed) -> Aside:
    error = why(failed.error) if failed.error else BEHIND
    return Aside(failed.heard.record, failed.heard.source, error, waits=isinstance(failed.error, NotYet))
