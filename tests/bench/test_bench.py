"""The short form of the bench: every case yields its rows, with numbers that can be numbers. How fast is not asked."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.bench import TINY, a_bench
from tests.bench.cases import CASES
from tests.bench.machine import this_machine
from tests.bench.plots import plot
from tests.bench.report import write
from tests.bench.running import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CHEAP = ("append", "clients", "slow-disk", "snapshot", "fight", "post", "end-to-end", "offered")


@pytest.mark.engines
async def test_the_cheap_cases_fill_the_table(tmp_path: Path) -> None:
    with a_bench(replace(TINY, patience=120)) as bench:
        run = Run(bench=bench, tell=print)
        rows = await run.all([CASES[name] for name in CHEAP])
        plot(bench, folder=write(rows, machine=this_machine(form=TINY.form), folder=tmp_path))
    assert run.broken == []
    assert [row.asked for row in rows] == [asked for name in CHEAP for asked in CASES[name].asks]
    assert all(math.isfinite(value) and value > 0 for row in rows for value in row.rounds)
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.md", "latency.svg", "throughput.svg"}


def test_no_row_is_asked_for_twice() -> None:
    asked = [(one.case, one.figure) for case in CASES.values() for one in case.asks]
    assert len(asked) == len(set(asked))
