"""The bench's frame: medians, verdicts, noise, and rows for what could not be measured."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.bench import TINY, Bench, Case, NotPossible
from tests.bench.machine import Machine, Probe, noise
from tests.bench.report import Asked, Row, as_markdown, write
from tests.bench.running import Run, interleaved
from tests.bench.tables import NoPlace, put

RATE = Asked(case="append", figure="16 clients", at_least=1.0)
DELAY = Asked(case="append", figure="p99", unit="ms", at_most=50)
QUIET = Probe(flushes=5_000, busy=0.02)
HERE = Machine(
    commit="abc", date="2026-01-01", cores=2, memory="8 GiB", system="Linux", versions={"Python": "3"}, form="a trial"
)


def test_a_figure_is_the_median_of_the_ratios_of_its_rounds() -> None:
    row = RATE.against(ours=[100, 300, 90], reference=[100, 100, 300])
    assert row.rounds == (1.0, 3.0, 0.3)
    assert row.measured == 1.0
    assert (row.ours, row.reference) == ("100 /s", "100 /s")


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (RATE.alone(1.0), "reached"),
        (RATE.alone(0.8), "falls short by 20%"),
        (DELAY.alone(50), "reached"),
        (DELAY.alone(75), "falls short by 50%"),
        (Asked(case="idle", figure="memory", unit="MiB").alone(75), ""),
    ],
)
def test_the_verdict_says_by_how_much_a_figure_falls_short(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_what_was_measured_on_a_noisy_machine_is_not_judged() -> None:
    assert RATE.alone(5.0).noisy("others were at work").verdict == "noisy: others were at work"
    assert Asked(case="idle", figure="memory").alone(5.0).noisy("others were at work").verdict == ""
    assert replace(RATE, timed=False).alone(5.0).noisy("others were at work").verdict == "reached"
    assert RATE.missing("no Java").noisy("others were at work").verdict == "not possible here: no Java"


@pytest.mark.parametrize(
    ("around", "why"),
    [
        ([QUIET, QUIET], ""),
        ([QUIET, Probe(flushes=4_000, busy=0.02)], ""),
        ([QUIET, Probe(flushes=1_000, busy=0.02)], "1,000 flushes a second, where 5,000 are usual in this run"),
        ([Probe(flushes=5_000, busy=0.9), QUIET], "others used 90% of the machine"),
    ],
)
def test_probes_that_differ_or_a_busy_machine_are_noise(around: list[Probe], why: str) -> None:
    assert noise([QUIET, QUIET, QUIET, *around], of=around) == why


async def test_sides_take_turns_and_the_first_round_does_not_count() -> None:
    turns: list[str] = []

    async def ours() -> int:
        turns.append("ours")
        return len(turns)

    async def theirs() -> int:
        turns.append("theirs")
        return len(turns)

    assert await interleaved(2, ours, theirs) == ([3, 5], [4, 6])
    assert turns == ["ours", "theirs"] * 3


async def test_a_case_that_is_not_possible_or_breaks_leaves_rows_that_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def half(bench: Bench) -> AsyncIterator[Row]:
        yield RATE.alone(2.0)
        raise NotPossible("no Java")

    async def broken(bench: Bench) -> AsyncIterator[Row]:
        yield RATE.alone(1 / bench.scale.rounds)
        raise ValueError

    run = Run(bench=Bench(scale=TINY, home=tmp_path), tell=lambda line: None)
    cases = [Case(name=one.__name__, asks=(RATE, DELAY), measure=one) for one in (half, broken)]
    rows = await run.all(cases)
    assert [row.asked for row in rows] == [RATE, DELAY, RATE, DELAY]
    assert [row.trouble for row in rows if row.asked is DELAY] == [
        "not possible here: no Java", "not possible here: it failed with ValueError",
    ]  # fmt: skip
    assert run.broken == ["broken"]
    assert "ValueError" in capsys.readouterr().err


def test_the_table_is_kept_as_markdown_and_as_json(tmp_path: Path) -> None:
    rows = [RATE.against(ours=[1, 2, 3], reference=[1, 1, 1], note="two cores"), DELAY.missing("no Java")]
    write(rows, machine=HERE, folder=tmp_path)
    table = (tmp_path / "bench.md").read_text()
    assert "Commit abc, 2026-01-01, a trial: 2 cores" in table
    assert "| append | 16 clients | **2 x** (1 to 3, 3 rounds) | >= 1 x | 2 /s | 1 /s | reached | two cores |" in table
    assert "| append | p99 |  | <= 50 ms |  |  | not possible here: no Java |  |" in table
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert [row["measured"] for row in kept["rows"]] == [2.0, None]
    assert kept["machine"]["commit"] == "abc"


def test_a_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    document = tmp_path / "operating.md"
    document.write_text("before\n<!-- bench: made by `make bench` -->\nold\n<!-- end -->\nafter\n")
    put(as_markdown([RATE.alone(2.0)], machine=HERE), into=document)
    content = document.read_text()
    assert "old" not in content
    assert "| append | 16 clients | **2 x** |" in content
    assert content.startswith("before\n")
    assert content.endswith("<!-- end -->\nafter\n")


def test_a_document_without_a_place_for_the_table_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "operating.md"
    document.write_text("nothing here\n")
    with pytest.raises(NoPlace):
        put("table", into=document)
