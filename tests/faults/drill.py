"""What a row has in hand while it is played: its seed, grounds to play on, an oracle for each, and a notebook."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from tests.faults.grounds.five import Five
from tests.faults.grounds.small import Small
from tests.faults.oracle import counters, judge, people
from tests.faults.oracle.oracle import Oracle
from tests.faults.oracle.watch import watched
from tests.faults.stage import Stage

T = TypeVar("T")


@dataclass(kw_only=True)
class Drill:
    """`full`: the long form. `told` hears what is being done."""

    number: str
    seed: int
    full: bool
    stage: Stage
    told: Callable[[str], None] = lambda what: None
    notes: dict[str, object] = field(default_factory=dict)
    """what was measured or counted besides"""
    healed: float | None = None
    """seconds from the end of the fault until all was at rest and right; the longest, where there were several"""
    oracles: list[Oracle] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(f"{self.number}:{self.seed}")

    def short_or_full(self, short: T, full: T) -> T:
        """One of the two, as the form says."""
        return full if self.full else short

    def note(self, **notes: object) -> None:
        self.notes.update(notes)
        self.told(", ".join(f"{name.replace('_', ' ')} {what}" for name, what in notes.items()))

    async def five(self) -> Five:
        return await self.stage.five()

    async def small(self) -> Small:
        return await self.stage.small()

    @asynccontextmanager
    async def oracle(self, ground: Five | Small) -> AsyncIterator[Oracle]:
        """For commands one by one; nothing is judged by itself."""
        mirror, topics = self.stage.known(ground)
        await mirror.follow()
        oracle = Oracle(
            ground=ground,
            mirror=mirror,
            topics=topics,
            flow=people.live if isinstance(ground, Five) else counters.count,
            canary=f"Kanari{self.random.randrange(16**10):010x}",
            seed=self.seed,
        )
        self.oracles.append(oracle)
        try:
            yield oracle
        finally:
            await oracle.close()

    @asynccontextmanager
    async def under_load(
        self, ground: Five | Small, *, clients: int = 4, before: int = 20, after: int = 20, heals_within: float
    ) -> AsyncIterator[Oracle]:
        """Commands before, during and after what is inside; then everything must heal in time, and be right.

        `before` and `after`: commands that must be acknowledged before the fault and again when it is over. What is
        inside ends where the fault ends: from there the seconds are counted.
        """
        async with self.oracle(ground) as oracle:
            async with oracle.load(clients=clients), watched(oracle):
                await oracle.more(before)
                yield oracle
                self.told("the fault is over")
                back = await oracle.more(after, within=heals_within)
            await self.at_rest(oracle, heals_within=heals_within, already=back)

    async def at_rest(self, oracle: Oracle, *, heals_within: float, already: float = 0.0) -> None:
        """All that was said is shown in time, and every promise was kept. Raises `FellShort`."""
        took = already + await judge.healed(oracle, within=heals_within - already, told=self.told)
        self.healed = max(self.healed or 0.0, took)
        await judge.judged(oracle)
        self.told(f"refusals {dict(oracle.counts.refusals)}, {oracle.client.trouble}")
        self.note(healed=f"{took:.1f} s")
