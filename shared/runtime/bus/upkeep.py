"""What one worker of a service does for all of them: fills holes, compares heads, tells dead letters.

In small rounds and at a small share of the time: live traffic goes first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from aiokafka.errors import KafkaError

from shared.kernel import Unavailable
from shared.runtime.bus.deadletters import DeadLetters
from shared.runtime.bus.duty import Duty
from shared.runtime.bus.heads import Heads
from shared.runtime.bus.healing import Healing
from shared.runtime.bus.kept import Kept
from shared.runtime.bus.missed import Missed

_PAUSE = 2.0
_SHARE = 0.05
"""of the time that comparing may take while there is a backlog of it"""

_LOG = logging.getLogger(__name__)


class Upkeep:
    """Of one service. `run` goes on until cancelled."""

    def __init__(
        self,
        *,
        duty: Duty,
        healing: Healing,
        heads: Heads,
        letters: DeadLetters,
        kept: Callable[[], Sequence[Kept]],
        missed: Sequence[tuple[Missed, str]],
    ) -> None:
        self.active = False
        self._duty = duty
        self._healing = healing
        self._heads = heads
        self._letters = letters
        self._kept = kept
        self._missed = missed
        self._away: set[str] = set()

    async def run(self) -> None:
        try:
            while True:
                self.active = await self._at("duty", self._duty.mine)
                more = self.active and await self._round()
                await asyncio.sleep(0 if more else _PAUSE)
        finally:
            if self.active:
                await self._at("duty", self._duty.give_back)

    async def _round(self) -> bool:
        """Each part by itself: who is away holds up only what needs him."""
        kept = self._kept()
        more = await self._at("healing", lambda: self._healing.round(kept))
        more |= await self._at("dead letters", self._letters.round)
        for one in kept:
            for owner in one.projection.hears:
                more |= await self._compared(f"{one.label} with {owner}", self._heads.of_projection(one, owner))
        for missed, owner in self._missed:
            more |= await self._compared(f"{missed.group} with {owner}", self._heads.of_reactions(missed, owner))
        return more

    async def _compared(self, what: str, work: Awaitable[bool]) -> bool:
        loop = asyncio.get_running_loop()
        began = loop.time()
        more = await self._at(what, lambda: work)
        if more:
            await asyncio.sleep((loop.time() - began) * (1 / _SHARE - 1))
        return more

    async def _at(self, what: str, do: Callable[[], Awaitable[object]]) -> bool:
        """Whether it says that there is more to do. Who is away is told once."""
        try:
            more = bool(await do())
        except (Unavailable, KafkaError, OSError, KeyError) as away:
            if what not in self._away:
                self._away.add(what)
                extra = {"phase": what, "error": type(away).__name__}
                _LOG.warning("a part of the upkeep waits for what it needs", extra=extra)
            return False
        except Exception:  # noqa: BLE001 - the other parts go on
            _LOG.exception("a part of the upkeep failed", extra={"phase": what})
            return False
        self._away.discard(what)
        return more
