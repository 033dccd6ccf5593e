"""The matrix is whole: every row is played or on the list of those that come later; the guide has a place for it."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import tables
from tests.faults.playing import played
from tests.faults.report import Outcome, Report
from tests.faults.row import LATER, NOW, NotHere, Row, row, rows
from tests.faults.stage import Stage

HELD = Outcome(row="F02", title="a kill", verdict="held", seed=1, sent=3, acknowledged=2, refused=1, healed=4.2)
SHORT = Outcome(row="F02", title="a kill", verdict="fell short", seed=2, said="I1: one is | missing")


def report(*outcomes: Outcome) -> Report:
    return Report(commit="abc", form="the short form", day="2026-01-01", outcomes=outcomes)


def test_no_row_of_the_matrix_is_forgotten() -> None:
    numbers = {f"F{n:02}" for n in range(1, 39)}
    assert {*NOW, *LATER} == numbers
    assert rows().keys() <= {*NOW}


def test_a_number_is_played_by_one_row_alone() -> None:
    there = rows()
    with pytest.raises(ValueError, match="is there twice"):
        row(next(iter(there)), "another", injected="")(there[next(iter(there))].play)


def test_a_row_whose_program_is_missing_says_so() -> None:
    async def play(_: object) -> None: ...

    with pytest.raises(NotHere, match="no-such-program is not installed"):
        Row(number="F99", title="", injected="", play=play, needs=("no-such-program",)).must_be_possible()


def test_one_seed_that_fell_short_makes_the_row_fall_short() -> None:
    [line] = [line for line in report(HELD, SHORT).markdown.splitlines() if line.startswith("| F02")]
    assert "fell short (seed 2): I1: one is / missing" in line
    assert "0 of 1 rows that were played held" in report(HELD, SHORT).summary


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = report(HELD, SHORT)
    told.write(tmp_path)
    assert Report.read(tmp_path).markdown == told.markdown


def test_the_guide_has_a_place_for_the_last_run() -> None:
    assert tables.written()


async def test_a_row_that_hangs_has_not_held_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.playing._SHORT", 0.05)

    async def waits() -> None:
        await asyncio.Event().wait()

    async def play(_: object) -> None:
        await waits()

    stage = Stage(kept=tmp_path)
    outcome = await played(Row(number="F99", title="", injected="", play=play), stage=stage, seed=1, full=False)
    await stage.close()

    assert outcome.verdict == "fell short"
    assert "play:" in outcome.said
    assert "waits:" in outcome.said
