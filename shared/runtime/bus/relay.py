"""The relay: publishes the log in its order, and saves its position only after every broker acknowledgement.

At least once: what was published before a crash and not saved is published again, and consumers know it by its
version. One relay a log is at work, the one that holds the lease; another waits until it lapses or is given back.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import asyncpg
from aiokafka.errors import KafkaError

from shared.kernel import Unavailable
from shared.runtime.bus.lease import LAPSE, Deposed, Lease
from shared.runtime.bus.messages import Batch, batch_of
from shared.runtime.bus.messages import partition_of as partition_of
from shared.runtime.bus.messages import value_of as value_of
from shared.runtime.bus.watch import Watch
from shared.runtime.bus.wire import Outlet
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher
from shared.runtime.workers import background, end

_BATCH = 250
_PACE = 0.008
"""seconds from a batch that was not full to the reading of the next: a broker's work goes by batches, not by events"""
_POLL = 0.2
_SAVE = 0.1
"""seconds between two saved positions: each leaves a dead row behind, and one open snapshot keeps them all"""
_TRY = 0.5
_RENEW = 1.0
_SURE = LAPSE - 1.0
"""seconds after a renewal in which nobody else can hold the lease, with one to spare"""
_LAST_WORDS = 2.0
_PAUSES = (0.2, 0.5, 1.0, 2.0)
_SAY_AGAIN = 30.0
_AWAY = (KafkaError, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
_NEVER = float("-inf")
_LOG = logging.getLogger(__name__)


class Source(Protocol):
    """What a relay reads: a log."""

    async def after(self, position: int, *, limit: int) -> Sequence[Stored]: ...


class Relay:
    """Publishes one service's log. `run` goes on until cancelled: a broker or database that is away is waited for.

    - `active`: whether it holds the lease; `position`: all up to here is acknowledged; `published`: how many events it
      has published, those said again too.
    - `age`: seconds since the oldest event that is not published was recorded; 0: all are.
    - `interruptions`: how often the broker or the database was away, or the lease was lost.
    - `trouble`: what is not as it has to be, for people to read.
    """

    def __init__(
        self,
        *,
        log: Source,
        lease: Lease,
        publisher: Publisher,
        outlet: Callable[[], AbstractAsyncContextManager[Outlet]],
        watch: Watch | None = None,
    ) -> None:
        self._log = log
        self._lease = lease
        self._publisher = publisher
        self._open = outlet
        self._watch = watch
        self.active = False
        self.position = 0
        self.published = 0
        self.age = 0.0
        self.interruptions = 0
        self._saved = 0
        self._saved_at = self._renewed_at = self._said_at = _NEVER
        self._rewind_to: int | None = None
        self._failures = 0
        self._again_up_to = 0

    @property
    def trouble(self) -> str | None:
        """What is not as it has to be, for people to read."""
        again = f"publishing again, up to {self._again_up_to}" if self.position < self._again_up_to else None
        return (self._watch.trouble if self._watch else None) or again

    async def run(self) -> None:
        try:
            async with background(self._keep_age(), "relay age"):
                while True:
                    await self._try_to_hold()
                    await asyncio.sleep(_TRY)
        finally:
            await self._lease.close()

    async def _try_to_hold(self) -> None:
        try:
            asked = _now()
            position = await self._lease.take()
            if position is not None:
                self.position = self._saved = position
                self._renewed_at = asked
                await self._hold()
        except Deposed:
            self.interruptions += 1
            _LOG.warning("the relay is deposed: another is at work", extra={"position": self.position})
        except _AWAY as error:
            self._interrupted(error)

    async def _hold(self) -> None:
        """Publishes for as long as the lease is kept."""
        self.active = True
        try:
            async with background(self._keep(), "lease") as kept, background(self._publish(), "publish") as publishing:
                await asyncio.wait({kept, publishing}, return_when=asyncio.FIRST_COMPLETED)
            for task in (kept, publishing):
                if not task.cancelled():
                    task.result()
        finally:
            self.active = False
            with suppress(Deposed, *_AWAY):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._let_go()

    async def _let_go(self) -> None:
        if self._saved < self.position:
            await self._save()
        await self._lease.give_back()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_RENEW)
            await self._renew()

    async def _renew(self) -> None:
        asked = _now()
        self._rewind_to = await self._lease.renew()
        self._renewed_at = asked

    async def _publish(self) -> None:
        """An outlet that failed is thrown away, and another opened."""
        while True:
            try:
                await self._look()
                async with self._open() as outlet:
                    await self._follow(outlet)
            except Deposed:
                raise
            except _AWAY as error:
                self._interrupted(error)
            except Exception:  # noqa: BLE001 - said aloud, and tried again: the log waits
                self.interruptions += 1
                _LOG.exception("the relay cannot publish", extra={"position": self.position})
            await asyncio.sleep(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
            self._failures += 1

    async def _follow(self, outlet: Outlet) -> None:
        """While one batch is on its way, the next is read. What comes after a pause goes out at once."""
        ahead = self._reading(self.position)
        try:
            while True:
                batch = await ahead
                if batch:
                    ahead = self._reading(batch.last, after=_PACE if batch.count < _BATCH else 0.0)
                    await self._tell(outlet, batch)
                else:
                    await self._wait()
                if await self._went_back() or not batch:
                    await end(ahead)
                    ahead = self._reading(self.position)
        finally:
            await end(ahead)

    def _reading(self, position: int, *, after: float = 0.0) -> "asyncio.Task[Batch | None]":
        return asyncio.create_task(self._read(position, after=after), name="read ahead")

    async def _read(self, position: int, *, after: float) -> Batch | None:
        await asyncio.sleep(after)
        stored = await self._log.after(position, limit=_BATCH)
        return await batch_of(stored, self._publisher) if stored else None

    async def _tell(self, outlet: Outlet, batch: Batch) -> None:
        """Out, acknowledged, then saved. Whoever slept asks for its lease first, and may hear that it is another's."""
        if _now() - self._renewed_at > _SURE:
            await self._renew()
        await outlet.publish(batch.parted)
        self.position = batch.last
        self.published += batch.count
        if self._failures:
            self._failures = 0
            _LOG.info("the relay goes on", extra={"position": self.position})
        if _now() - self._saved_at >= _SAVE:
            await self._save()

    async def _wait(self) -> None:
        """For news; a position that is not saved yet is saved when it is time."""
        due = self._saved_at + _SAVE - _now() if self._saved < self.position else _POLL
        if due <= 0:
            await self._save()
        else:
            await self._lease.news(within=min(due, _POLL))

    async def _save(self) -> None:
        position, self._saved_at = self.position, _now()
        await self._lease.save(position)
        self._saved = position

    async def _went_back(self) -> bool:
        """Whether it goes on from an earlier position: an operator wants it, or the topic lost what was published."""
        before = self.position
        if self._rewind_to is not None:
            await self._rewind(self._rewind_to)
        if self._watch and self._watch.due():
            await self._look()
        return self.position < before

    async def _look(self) -> None:
        if self._watch and await self._watch.lost(position=self.position):
            await self._rewind(0)

    async def _rewind(self, to: int) -> None:
        await self._lease.rewind(to=to)
        self._again_up_to = max(self.position, self._again_up_to)
        self._rewind_to = None
        self.position = self._saved = min(self.position, to)
        _LOG.warning("the relay publishes again", extra={"position": self.position})

    async def _keep_age(self) -> None:
        while True:
            with suppress(*_AWAY):
                self.age = await self._lease.age(self.position if self.active else None)
            await asyncio.sleep(_RENEW)

    def _interrupted(self, error: BaseException) -> None:
        """Said at once, and then once in a while for as long as it lasts."""
        self.interruptions += 1
        if _now() - self._said_at >= _SAY_AGAIN:
            self._said_at = _now()
            _LOG.warning("the relay is interrupted", extra={"error": type(error).__name__})


def _now() -> float:
    return asyncio.get_running_loop().time()
