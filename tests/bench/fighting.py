"""Half of the clients fight for a few aggregates: who loses is told so, and nobody else is slowed down much."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter
from uuid import UUID

from shared.runtime.log import Log
from shared.runtime.log.committer import Appended, Conflict
from shared.runtime.mandate import fresh_id
from tests.bench.bench import Bench, Case
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import a_log, append, append_rate, one_append

_CLIENTS = 64
_AGGREGATES = 8

FIGHT = Asked(
    case="append, fight", figure="64 clients, half of them for 8 aggregates: commands answered, to without the fight",
    at_least=0.5,
)  # fmt: skip
PEACE = Asked(case="append, fight", figure="the 32 clients that do not fight: commands stored, to without the fight")


@dataclass(slots=True)
class Contended:
    """An aggregate that several want to write the next version of."""

    id: UUID = field(default_factory=fresh_id)
    version: int = 0
    won: int = 0
    lost: int = 0

    async def fight(self, log: Log, *, tries: int) -> None:
        """Each try is for the version after the last that is known; whoever comes first has it."""
        for _ in range(tries):
            wanted = self.version + 1
            try:
                answer = await log.committer.append(one_append(self.id, wanted))
            except Conflict:
                self.lost += 1
            else:
                assert isinstance(answer, Appended)
                self.won += 1
                self.version = max(self.version, wanted)


@dataclass(frozen=True, slots=True)
class Fight:
    """What a round came to, commands a second."""

    answered: float
    peaceful: float
    lost: float
    """the part of the fighters' commands that came too late"""


async def fighting(bench: Bench) -> AsyncIterator[Row]:
    count = bench.scale.appends // 4
    async with bench.database() as dsn, a_log(dsn) as log:
        fights, peace = await interleaved(
            bench.scale.rounds, partial(_fight, log, count), partial(append_rate, log, _CLIENTS, count)
        )
    lost = median(fight.lost for fight in fights)
    yield FIGHT.against(
        ours=[fight.answered for fight in fights], reference=peace, note=f"{lost:.0%} of the fighters' commands lost"
    )
    yield PEACE.against(ours=[fight.peaceful for fight in fights], reference=peace)


async def _fight(log: Log, events: int) -> Fight:
    """Raises where somebody was told nothing, or something that is not so."""
    contended = [Contended() for _ in range(_AGGREGATES)]
    tries = max(1, events // _CLIENTS)
    fighters = _CLIENTS // 2
    began = perf_counter()
    fights = (contended[n % _AGGREGATES].fight(log, tries=tries) for n in range(fighters))
    others = asyncio.create_task(append(log, clients=_CLIENTS - fighters, events=events // 2))
    await asyncio.gather(others, *fights)
    took = perf_counter() - began
    peaceful, won, lost = others.result(), sum(one.won for one in contended), sum(one.lost for one in contended)
    assert won + lost == tries * fighters
    for one in contended:
        assert len(await log.stream(one.id)) == one.won == one.version
    return Fight((won + lost + len(peaceful.latencies)) / took, peaceful.rate, lost / (won + lost))


FIGHTING = Case(name="fight", asks=(FIGHT, PEACE), measure=fighting)
