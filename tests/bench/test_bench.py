"""The short form of the bench: every case yields its rows, with numbers that can be numbers. How fast is not asked."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.bench import TINY, Bench, a_bench
from tests.bench.cases import CASES
from tests.bench.machine import this_machine
from tests.bench.plots import plot
from tests.bench.report import write
from tests.bench.running import Run

pytestmark = [pytest.mark.slow, pytest.mark.engines, pytest.mark.timeout(200)]

_WHOLE_SYSTEM = {"importing", "standing"}
"""what the end-to-end tests start, too"""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One server and one broker for all cases."""
    with a_bench(TINY) as bench:
        yield bench


@pytest.mark.parametrize("name", [name for name in CASES if name not in _WHOLE_SYSTEM])
async def test_a_case_fills_its_rows(name: str, bench: Bench) -> None:
    run = Run(bench=bench, tell=print)
    rows = await run.all([CASES[name]])
    assert run.broken == []
    assert [row.asked for row in rows] == [*CASES[name].asks]
    assert all(math.isfinite(value) and value > 0 for row in rows for value in row.rounds)
    assert all(row.rounds or row.trouble.startswith("not possible here: ") for row in rows)


async def test_a_run_leaves_its_table_and_its_plots(bench: Bench, tmp_path: Path) -> None:
    rows = await Run(bench=bench, tell=print).all([CASES["append"], CASES["clients"]])
    plot(bench, folder=write(rows, machine=this_machine(form=TINY.form), folder=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.md", "latency.svg", "throughput.svg"}
    table = (tmp_path / "bench.md").read_text()
    assert all(asked.figure in table for name in ("append", "clients") for asked in CASES[name].asks)


def test_no_row_is_asked_for_twice() -> None:
    asked = [(one.case, one.figure) for case in CASES.values() for one in case.asks]
    assert len(asked) == len(set(asked))
