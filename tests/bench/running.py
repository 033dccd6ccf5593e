"""Runs cases one after the other, looks at the machine between them, and turns what fails into rows that say so."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.machine import Probe, noise, probe
from tests.bench.report import Row
from tests.support.engines.engine import EngineUnavailable

V = TypeVar("V")
W = TypeVar("W")


@dataclass(kw_only=True)
class Run:
    """One run: what was found of each case, between two looks at the machine."""

    bench: Bench
    tell: Callable[[str], None]
    broken: list[str] = field(default_factory=list)
    """the cases that failed of themselves"""
    _found: list[tuple[list[Row], tuple[Probe, Probe]]] = field(default_factory=list)

    async def all(self, cases: Sequence[Case]) -> list[Row]:
        """Every row that these cases ask for."""
        for case in cases:
            await self._one(case)
        probes = [one for _, around in self._found for one in around]
        return [self._judged(row, noise(probes, of=around)) for rows, around in self._found for row in rows]

    def _judged(self, row: Row, noise: str) -> Row:
        return row.noisy(noise) if noise else row

    async def _one(self, case: Case) -> None:
        before = probe(self.bench.home)
        self.tell(f"{case.name}: {before.flushes:,.0f} flushes a second; others use {before.busy:.0%}")
        rows: list[Row] = []
        why = "the case ended before"
        try:
            async with asyncio.timeout(self.bench.scale.patience):
                async for row in case.measure(self.bench):
                    rows.append(row)
                    self.tell(" | ".join(("", *row.cells()[1:])))
        except (NotPossible, EngineUnavailable) as missing:
            why = str(missing)
        except Exception as error:  # noqa: BLE001 - the other cases can be measured all the same
            why = f"it failed with {type(error).__name__}"
            self.broken.append(case.name)
            traceback.print_exc(file=sys.stderr)
        rows += [asked.missing(why) for asked in case.asks[len(rows) :]]
        self._found.append((rows, (before, probe(self.bench.home))))


async def interleaved(
    count: int, ours: Callable[[], Awaitable[V]], reference: Callable[[], Awaitable[W]], *, warm: bool = True
) -> tuple[list[V], list[W]]:
    """What both sides yield in turn: ours, reference, ours, reference. `warm`: one round before does not count, where
    there is more than one, as it fills caches and opens connections.
    """
    found: tuple[list[V], list[W]] = ([], [])
    before = int(warm and count > 1)
    for number in range(before + count):
        one, other = await ours(), await reference()
        if number >= before:
            found[0].append(one)
            found[1].append(other)
    return found
