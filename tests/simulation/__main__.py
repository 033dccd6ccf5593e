"""`python -m tests.simulation`: many seeds over two processes; `--seed N --trace` plays one again and tells it."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

from tests.simulation.story import simulate

_AT_ONCE = 50
Failed = tuple[int, tuple[str, ...]]


def failing(seeds: Sequence[int]) -> list[Failed]:
    """Those of these seeds in which something was wrong, and what."""
    outcomes = (simulate(seed) for seed in seeds)
    return [(one.seed, one.wrong) for one in outcomes if one.wrong]


def many(first: int, count: int, *, workers: int) -> Iterator[list[Failed]]:
    """A part of them at a time."""
    seeds = range(first, first + count)
    parts = [seeds[start : start + _AT_ONCE] for start in range(0, count, _AT_ONCE)]
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(failing, parts)


def play(seed: int, *, trace: bool) -> int:
    """One of them."""
    outcome = simulate(seed)
    for line in (*(outcome.trace if trace else ()), *outcome.wrong):
        print(line)
    print(f"seed {seed}: {outcome.events} events, {outcome.steps} steps, {outcome.seconds:.0f} s of its own time")
    print(f"{len(outcome.wrong)} things wrong; trace {outcome.fingerprint}")
    return bool(outcome.wrong)


def play_many(first: int, count: int, *, workers: int) -> int:
    """All of them, with the rate and those that failed."""
    began = time.perf_counter()
    failed = list(chain.from_iterable(many(first, count, workers=workers)))
    took = time.perf_counter() - began
    for seed, wrong in failed:
        print(f"seed {seed}: {wrong[0]}{f' and {len(wrong) - 1} more' if len(wrong) > 1 else ''}")
    print(f"{count} seeds in {took:.0f} s, {count / took:.1f} seeds/s over {workers} processes; {len(failed)} failed")
    return bool(failed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="all that happened in it")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return play(chosen.seed, trace=chosen.trace)
    return play_many(chosen.first, chosen.count, workers=chosen.workers)


if __name__ == "__main__":
    sys.exit(main())
