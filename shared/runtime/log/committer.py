"""Group commit: everything that waits when the previous commit returns goes into one transaction; no timer.

Optimistic first: the unique keys judge a whole batch. Where they object, or where a reply was lost, every command of
the batch is answered exactly, in one transaction too: stored, duplicate (with the first answer) or conflict.
"""

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain, repeat

import asyncpg

from shared.kernel import Unavailable
from shared.runtime.durations import Durations
from shared.runtime.log.rows import Append
from shared.runtime.log.sessions import AWAY, Limits
from shared.runtime.log.waiting import Answer, Batch, Overloaded, Waiting
from shared.runtime.log.writing import Appended, Conflict, Connect, Duplicate, Verdict, Writing

__all__ = ["Answer", "Appended", "Committer", "Conflict", "Duplicate", "Overloaded", "Silent", "Unwritable"]

_PAUSES = (0.0, 0.05, 0.1, 0.2)
"""seconds between the tries of a batch; the last one again and again"""
_WARY = 16
"""batches that are looked at before they are written, after one in which somebody had lost"""

_LOG = logging.getLogger(__name__)


class Silent(Unavailable):
    """The log did not say whether this was stored. Say it again with the same Idempotency-Key: if it was stored, you
    get its first answer.
    """

    def __init__(self) -> None:
        super().__init__(" ".join((type(self).__doc__ or "").split()))


class Unwritable(Exception):
    """The database refuses the rows of this command, whenever they are sent."""


class Committer:
    """Owns one connection and appends through it, one batch at a time.

    Raises (at `append`) `Conflict` for a command that lost, `Overloaded` where `queue` commands wait already, `Silent`
    where the database could not be reached for as long as the limits say.
    """

    def __init__(self, *, connect: Connect, queue: int = 2_000, limits: Limits = Limits()) -> None:  # noqa: B008
        self.writing = Writing(connect=connect)
        self.batches = 0
        self.commands = 0
        self.events = 0
        self.duplicates = 0
        self.overloads = 0
        """commands that were refused because too many were asked"""
        self.seconds = Durations()
        """of the commits, from the first try of a batch until it is answered"""
        self._limits = limits
        self._queue = Waiting(limit=queue)
        self._under_way = Batch()
        self._wary = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.writing.open()
        self._task = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Commits what is under way and waiting, then lets go of the connection."""
        if self._task:
            asked = [item.future for item in (*self._under_way, *self._queue)]
            await asyncio.gather(*asked, return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.writing.close()

    async def append(self, append: Append) -> Answer:
        """Stored when this returns. If its caller is cancelled meanwhile, it may be stored or not."""
        try:
            future = self._queue.put(append)
        except Overloaded:
            self.overloads += 1
            raise
        self._wake.set()
        return await future

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def waiting(self) -> int:
        """Commands that wait for their batch."""
        return len(self._queue)

    @property
    def conflicts(self) -> int:
        return self._queue.conflicts

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._queue.take():
                self._under_way = batch
                began = _now()
                try:
                    await self._commit(batch, give_up=began + self._limits.patience)
                except Exception:  # noqa: BLE001 - a committer that ended would leave every command waiting
                    _LOG.exception("a batch could not be committed")
                    batch.fail(Silent)
                self.batches += 1
                self.seconds.note(_now() - began)

    async def _commit(self, batch: Batch, *, give_up: float) -> None:
        if self._wary:
            self._wary -= 1
        else:
            try:
                self._settle(batch, await self.writing.at_once(batch.appends))
                return
            except asyncpg.UniqueViolationError:
                self._wary = _WARY
            except AWAY as lost:
                self._lose(lost)
            except (asyncpg.PostgresError, ValueError) as error:
                _LOG.error("the log refused an append", extra={"error": type(error).__name__})
        await self._commit_exactly(batch, give_up=give_up)

    async def _commit_exactly(self, batch: Batch, *, give_up: float) -> None:
        """Until it is known what came of each command: after a lost reply nobody knows what was committed, but their
        ids are in the log.
        """
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            try:
                self._settle(batch, await self.writing.exactly(batch.appends))
                return
            except AWAY as lost:
                if isinstance(lost, ValueError):  # asyncpg's word for what it cannot encode
                    break
                self._lose(lost)
            except (asyncpg.PostgresError, ValueError):
                break
            if _now() + pause > give_up:
                batch.fail(Silent)
                self._queue.everybody().fail(Unavailable)
                return
            await asyncio.sleep(pause)
        await self._one_by_one(batch, give_up=give_up)

    async def _one_by_one(self, batch: Batch, *, give_up: float) -> None:
        """Somebody's rows cannot be written: that one is told, the others are not kept from being."""
        if len(batch) == 1:
            batch.fail(Unwritable)
            return
        for item in batch:
            await self._commit_exactly(Batch([item]), give_up=give_up)

    def _settle(self, batch: Batch, verdicts: Sequence[Verdict]) -> None:
        self._queue.settle(batch, verdicts)
        self.commands += len(batch)
        for item, verdict in zip(batch, verdicts, strict=True):
            match verdict:
                case Appended():
                    self.events += len(item.append.events)
                case Duplicate():
                    self.duplicates += 1
                case _:
                    self._wary = _WARY

    def _lose(self, lost: Exception) -> None:
        """Nobody knows what came of the batch; after a lock that was not to be had, nothing did."""
        _LOG.warning("the log could not be written", extra={"error": type(lost).__name__})
        if not isinstance(lost, asyncpg.LockNotAvailableError):
            self.writing.drop()


def _now() -> float:
    return asyncio.get_running_loop().time()
