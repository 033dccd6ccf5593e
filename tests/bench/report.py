"""The bench's table: a row for each figure, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, what is wanted of it, and how the machine was meanwhile (`load`: processes per core)."""

    case: str
    figure: str
    measured: float
    unit: str
    wanted: str = ""
    load: float = 0.0


def as_markdown(figures: Sequence[Figure]) -> str:
    head = ["| case | figure | measured | wanted | load a core |", "|---|---|---|---|---|"]
    rows = [f"| {f.case} | {f.figure} | {f.measured:,.1f} {f.unit} | {f.wanted} | {f.load:.1f} |" for f in figures]
    return "\n".join([*head, *rows])


def write(figures: Sequence[Figure], *, folder: Path) -> Path:
    """Writes `bench.json` and `bench.md`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    (folder / "bench.md").write_text(as_markdown(figures) + "\n")
    return folder
