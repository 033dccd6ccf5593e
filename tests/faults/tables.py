"""Writes the tables of the last runs into docs/operating.md, between their marks: python -m tests.faults.tables."""

import re
import sys
from pathlib import Path

from tests.faults.report import Report

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"


def written() -> str:
    """What stands there of the rows now."""
    found = _between("faults").search(GUIDE.read_text("utf-8"))
    return found[2] if found else ""


def write(folder: Path) -> None:
    """Those of them that the folder holds."""
    if (folder / "faults.json").exists():
        _put("faults", Report.read(folder).markdown)
    if (million := folder / "million.md").exists():
        _put("million", million.read_text("utf-8").rstrip())


def _put(name: str, table: str) -> None:
    content = GUIDE.read_text("utf-8")
    GUIDE.write_text(_between(name).sub(lambda found: found[1] + table + found[3], content), "utf-8")


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: made by a run -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "build/faults"))
