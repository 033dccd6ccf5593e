"""`python -m tests.faults.million [--commands N] [--seed N] [--every SECONDS]`: plays it, and keeps its table."""

import argparse
import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.faults.million.playing import play
from tests.faults.report import commit
from tests.faults.row import FellShort

_FOLDER = Path("build/faults")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.million", description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two blows")
    said = parser.parse_args()
    for noisy in ("aiokafka", "asyncpg", "shared"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        done = uvloop.run(
            play(commands=said.commands, seed=said.seed, every=said.every, told=lambda what: print(what, flush=True))
        )
    except FellShort as short:
        sys.exit(f"fell short: {short}")
    table = f"At commit {commit()}, {datetime.now(UTC):%Y-%m-%d}, seed {said.seed}.\n\n{done.markdown}"
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / "million.md").write_text(table + "\n", "utf-8")
    (_FOLDER / "million.json").write_text(json.dumps(asdict(done), indent=1) + "\n", "utf-8")
    print(f"\n{table}\n\nkept in {_FOLDER}")


if __name__ == "__main__":
    main()
