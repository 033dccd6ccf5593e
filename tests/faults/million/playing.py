"""The whole of it: a small system, the load and the storm together, rest, and judgement."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from shared.runtime.workers import background
from tests.faults.grounds.small import Small
from tests.faults.million.load import Load
from tests.faults.million.promises import at_rest, kept, rebuilt
from tests.faults.million.storm import PROCESSES, Storm

_TELL = 5.0


@dataclass(frozen=True, kw_only=True)
class Played:
    """What was done, and how long it took (seconds). All promises were kept."""

    acknowledged: int
    again: int
    reactions: int
    counters: int
    blows: Mapping[str, int]
    repeats: int
    loaded: float
    healed: float
    rebuilds: float

    @property
    def markdown(self) -> str:
        blows = ", ".join(f"{name} {count} times" for name, count in sorted(self.blows.items()))
        return "\n".join(
            (
                "| what | how much |",
                "|---|---|",
                f"| commands acknowledged, for {self.counters:,} aggregates | {self.acknowledged:,} |",
                f"| and events of reactions to them | {self.reactions:,} |",
                f"| commands a second, with all that befell | {self.acknowledged / self.loaded:,.0f} |",
                f"| meanwhile | {blows} |",
                f"| commands said again, because nobody had answered | {self.again:,} |",
                f"| messages said again on the topic | {self.repeats:,} |",
                "| lost, doubled, out of order, other than a rebuild | 0 |",
                f"| seconds until everything was shown after the last command | {self.healed:.0f} |",
                f"| seconds of two rebuilds of all of it, each compared byte for byte | {self.rebuilds:.0f} |",
            )
        )


async def play(*, commands: int, seed: int, every: float, told: Callable[[str], None] = lambda what: None) -> Played:
    """`every`: seconds between two blows. Raises `FellShort` where a promise was not kept."""
    with tempfile.TemporaryDirectory(prefix="carelog-million-", ignore_cleanup_errors=True) as folder:
        small = Small(folder=Path(folder))
        await small.start(*PROCESSES)
        try:
            async with small.keeping_postgres():
                return await _played(small, commands=commands, random=Random(seed), every=every, told=told)
        finally:
            await small.stop()


async def _played(small: Small, *, commands: int, random: Random, every: float, told: Callable[[str], None]) -> Played:
    load = Load(dsn=small.database("records"), wanted=commands, random=random)
    storm = Storm(small, random=random, every=every)
    began = monotonic()
    async with background(storm.run(), "storm"), background(_telling(load, storm, told), "telling"):
        await load.run()
    loaded = monotonic() - began
    ledger = load.ledger
    counters = len(ledger.versions)
    healed = await at_rest(small, ledger, within=120 + loaded, told=told)
    repeats = await kept(small, ledger)
    told("the log and the topic hold what was acknowledged")
    rebuilds = sum([await rebuilt(small, projection) for projection in ("tally", "lines")])
    return Played(
        acknowledged=ledger.acknowledged, again=ledger.again, reactions=ledger.reactions, counters=counters,
        blows=dict(storm.blows), repeats=repeats, loaded=loaded, healed=healed, rebuilds=rebuilds,
    )  # fmt: skip


async def _telling(load: Load, storm: Storm, told: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_TELL)
        told(f"{load.ledger.acknowledged:,} acknowledged, {load.ledger.again:,} said again; {dict(storm.blows)}")
