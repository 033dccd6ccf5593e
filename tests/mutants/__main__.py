"""`python -m tests.mutants`: makes each mistake, says who found it, and keeps the table in `build/mutants`.

`--write` puts the table into docs/testing.md, too.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.judging import Judgement, judged

_SEEDS = range(1, 201)
_FOLDER = Path("build/mutants")
_DOCS = Path("docs/testing.md")
_BETWEEN = re.compile(r"(<!-- mutants: made by python -m tests\.mutants -->\n).*?(\n<!-- end -->)", re.DOTALL)


def as_markdown(found: Sequence[Judgement]) -> str:
    """One line for each."""
    lines = ["| Mistake | Simulation | Tests that fail |", "|---|---|---|"]
    for one in found:
        simulation = f"seed {one.seed}" if one.seed is not None else "-" if one.mutant.simulated else "not seen there"
        lines.append(f"| **{one.mutant.name}**: {one.mutant.says} | {simulation} | {_tests(one.tests)} |")
    return "\n".join(lines)


def _tests(names: Sequence[str]) -> str:
    said = [f"`{name.rsplit('/', 1)[-1].replace('::', ' ').removeprefix('test_')}`" for name in names[:3]]
    return ", ".join([*said, *([f"and {len(names) - 3} more"] if len(names) > 3 else [])]) or "-"


def keep(found: Sequence[Judgement], *, docs: bool) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    said = [
        {"mutant": one.mutant.name, "seed": one.seed, "wrong": one.wrong, "tests": list(one.tests)} for one in found
    ]
    (_FOLDER / "report.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")
    (_FOLDER / "report.md").write_text(as_markdown(found) + "\n", "utf-8")
    if docs:
        text = _BETWEEN.sub(lambda at: f"{at[1]}{as_markdown(found)}{at[2]}", _DOCS.read_text("utf-8"))
        _DOCS.write_text(text, "utf-8")


def main() -> int:
    found = []
    for mutant in MUTANTS:
        found.append(judged(mutant, seeds=_SEEDS))
        one = found[-1]
        print(
            f"{mutant.name}: {f'seed {one.seed}: {one.wrong[:120]}' if one.wrong else '-'}; {len(one.tests)} tests fail"
        )
    keep(found, docs="--write" in sys.argv)
    print(f"\n{as_markdown(found)}\n\nkept in {_FOLDER}")
    return any(not one.killed for one in found)


if __name__ == "__main__":
    sys.exit(main())
