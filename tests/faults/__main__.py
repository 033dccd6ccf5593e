"""Plays rows, keeps a report in `build/faults`: python -m tests.faults [F02 F05 ...] [--seeds N] [--seed N] [--full].

Exit code 1: a row fell short. A row that fell short is played again as it was with `--seed N`.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.playing import played
from tests.faults.report import Outcome, Report, commit
from tests.faults.row import LATER, NOW, Row, rows
from tests.faults.stage import Stage

FOLDER = Path("build/faults")


def main() -> None:
    said = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    there = rows()
    if unknown := set(said.rows) - there.keys():
        sys.exit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    seeds = [said.seed] if said.seed is not None else list(range(1, said.seeds + 1))
    chosen = [there[number] for number in (said.rows or there)]
    outcomes = asyncio.run(_play(chosen, seeds=seeds, full=said.full))
    if not said.rows:
        outcomes += _unplayed(set(there))
    report = Report(
        commit=commit(),
        form=f"{'the long' if said.full else 'the short'} form, {len(seeds)} seed{'s' * (len(seeds) > 1)} a row",
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        outcomes=outcomes,
    )
    print(f"\n{report.markdown}\n\nkept in {report.write(FOLDER)}")
    sys.exit(any(one.verdict == "fell short" for one in outcomes))


async def _play(chosen: Sequence[Row], *, seeds: Sequence[int], full: bool) -> list[Outcome]:
    """Row by row with all its seeds, each told as it comes."""
    outcomes = []
    stage = Stage(kept=FOLDER)
    try:
        for row in chosen:
            for seed in seeds:
                print(f"{row.number} {row.title} (seed {seed})", flush=True)
                outcome = await played(row, stage=stage, seed=seed, full=full, told=lambda what: print(f"    {what}"))
                print(f"  {outcome.verdict} in {outcome.took:.0f} s {outcome.said}", flush=True)
                outcomes.append(outcome)
    finally:
        await stage.close()
    return outcomes


def _unplayed(there: set[str]) -> list[Outcome]:
    """Rows that are on the list and are not played, each with a word on why."""
    missing = [Outcome(row=n, title="", verdict="later", said="is not written yet") for n in NOW if n not in there]
    later = [
        Outcome(row=number, title=title, verdict="later", said="what it needs is not built yet")
        for number, title in LATER.items()
    ]
    return [*missing, *later]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="F02", help="these rows; none: all")
    parser.add_argument("--seeds", type=int, default=1, help="play each row with the seeds 1 to N")
    parser.add_argument("--seed", type=int, help="play each row with this seed alone")
    parser.add_argument("--full", action="store_true", help="the long form")
    return parser.parse_args()


if __name__ == "__main__":
    main()
