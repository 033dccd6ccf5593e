"""Writes the table of the last run into docs/operating.md, between its marks: python -m tests.faults.tables."""

import re
import sys
from pathlib import Path

from tests.faults.report import Report

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"
_BETWEEN = re.compile(r"(<!-- faults: made by a run -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)


def written() -> str:
    """What stands there now."""
    found = _BETWEEN.search(GUIDE.read_text("utf-8"))
    return found[2] if found else ""


def write(report: Report) -> None:
    content = GUIDE.read_text("utf-8")
    GUIDE.write_text(_BETWEEN.sub(lambda found: found[1] + report.markdown + found[3], content), "utf-8")


if __name__ == "__main__":
    write(Report.read(Path(sys.argv[1] if len(sys.argv) > 1 else "build/faults")))
