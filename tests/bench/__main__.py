"""`python -m tests.bench [case ...] [--quick]`: runs the cases, prints the table, and keeps it in `build/bench`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench.bench import FULL, QUICK, Scale, a_bench
from tests.bench.cases import CASES
from tests.bench.machine import this_machine
from tests.bench.plots import plot
from tests.bench.report import as_markdown, write
from tests.bench.running import Run
from tests.bench.tables import put

_FOLDER = Path("build/bench")


def main() -> None:
    said = _arguments()
    if said.tables:
        put((_FOLDER / "bench.md").read_text("utf-8"), into=said.tables)
        return
    if unknown := set(said.case) - CASES.keys():
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    run(said.case or list(CASES), scale=QUICK if said.quick else FULL)


def run(names: Sequence[str], *, scale: Scale) -> None:
    """Ends with 1 where a case broke; a figure that is not reached is a figure."""
    machine = this_machine(form=scale.form)
    with a_bench(scale) as bench:
        running = Run(bench=bench, tell=lambda line: print(line, flush=True))
        rows = uvloop.run(running.all([CASES[name] for name in names]))
        plot(bench, folder=write(rows, machine=machine, folder=_FOLDER))
    print(f"\n{as_markdown(rows, machine=machine)}\n\nkept in {_FOLDER}")
    if running.broken:
        sys.exit(f"broken: {', '.join(running.broken)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=f"The cases: {', '.join(CASES)}.")
    parser.add_argument("case", nargs="*", help="only these")
    parser.add_argument("--quick", action="store_true", help="smaller counts and fewer rounds: some minutes in all")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="put the last run's table into this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
