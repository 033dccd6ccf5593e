"""Seeds of the simulation: whatever befalls the processes and the engines, nothing is lost, doubled or out of order.

A seed that fails is played again by `python -m tests.simulation --seed N --trace`; what it found gets a test of its
own name here or beside the code.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.simulation.story import simulate

pytestmark = pytest.mark.timeout(900)  # many seeds, on a machine that may have other things to do

_SEEDS = 500
_PART = 25


@pytest.mark.parametrize("first", range(1, _SEEDS, _PART))
def test_whatever_befalls_it_everything_comes_to_its_end(first: int) -> None:
    wrong = {seed: simulate(seed).wrong for seed in range(first, first + _PART)}

    assert {seed: found for seed, found in wrong.items() if found} == {}


def test_a_seed_is_played_again_exactly() -> None:
    """In processes of their own, whose sets and dictionaries are in other orders."""
    assert _fingerprints(hash_seed="1") == _fingerprints(hash_seed="2")


def test_the_storm_reaches_everything() -> None:
    """What the seeds are there for does happen: a simulation in which nothing goes wrong proves nothing."""
    said = " ".join(line for seed in range(1, 60) for line in simulate(seed).trace)

    for what in (
        "is killed", "is frozen", "goes on", "lost request", "lost answer", "late", "down", "is out",
        "append_exactly", "the storm is over", "INSERT parked", "DELETE parked", "publish",
    ):  # fmt: skip
        assert what in said


def _fingerprints(*, hash_seed: str) -> list[str]:
    code = (
        "import json; from tests.simulation.story import simulate;"
        " print(json.dumps([simulate(seed).fingerprint for seed in range(1, 13)]))"
    )
    played = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(played.stdout)
    return found
