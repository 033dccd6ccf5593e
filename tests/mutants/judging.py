"""Who finds a mistake: the simulation, a seed after the other, and the tests that stand beside the code."""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.mutants.catalogue import Mutant
from tests.simulation.story import simulate

_SAID = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*?\])?(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """`seed` and `wrong`: the first seed that found it, and what it found first; `tests`: those that failed."""

    mutant: Mutant
    seed: int | None
    wrong: str = ""
    tests: Sequence[str] = ()

    @property
    def killed(self) -> bool:
        return self.seed is not None or bool(self.tests)


def simulated(mutant: Mutant, seeds: Iterable[int]) -> tuple[int, str] | None:
    """The first seed that finds it, and what is wrong then."""
    with mutant.made():
        for seed in seeds:
            if wrong := simulate(seed).wrong:
                return seed, wrong[0]
    return None


def failing(mutant: Mutant) -> list[str]:
    """Which of its tests fail, run in a process that has the mistake."""
    if not mutant.tests:
        return []
    told = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.plugin", "-p", "no:cacheprovider",
            "--mutant", mutant.name, *mutant.tests,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    return list(dict.fromkeys(_SAID.findall(told.stdout)))


def judged(mutant: Mutant, *, seeds: Iterable[int]) -> Judgement:
    """Both."""
    found = simulated(mutant, seeds) if mutant.simulated else None
    seed, wrong = found or (None, "")
    return Judgement(mutant=mutant, seed=seed, wrong=wrong, tests=failing(mutant))
