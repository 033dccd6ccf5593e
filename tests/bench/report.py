"""The bench's table: a row for each figure that is asked for, whether it could be measured or not."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.machine import Machine

_HEAD = ("case", "figure", "measured", "wanted", "ours", "reference", "verdict", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row to fill. `unit` is "x" for a ratio to a reference of the same run; `tried`: what was done about it;
    `timed`: it depends on what else the machine does.
    """

    case: str
    figure: str
    unit: str = "x"
    at_least: float | None = None
    at_most: float | None = None
    tried: str = ""
    timed: bool = True

    @property
    def wanted(self) -> str:
        match self.at_least, self.at_most:
            case None, None:
                return ""
            case None, most:
                return f"<= {_number(most)} {self.unit}"
            case least, _:
                return f">= {_number(least)} {self.unit}"

    def against(self, *, ours: Sequence[float], reference: Sequence[float], unit: str = "/s", note: str = "") -> "Row":
        """Measured as the ratio of each round of ours to the reference's round beside it."""
        rounds = tuple(one / other for one, other in zip(ours, reference, strict=True))
        return Row(
            asked=self, rounds=rounds, ours=_told(median(ours), unit), reference=_told(median(reference), unit),
            note=note,
        )  # fmt: skip

    def alone(self, *rounds: float, note: str = "") -> "Row":
        """Measured without a reference."""
        return Row(asked=self, rounds=rounds, ours=_told(median(rounds), self.unit), note=note)

    def missing(self, why: str) -> "Row":
        """It cannot be measured here."""
        return Row(asked=self, trouble=f"not possible here: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was found: each round's value, the medians of both sides, and why it says nothing, where it does not."""

    asked: Asked
    rounds: tuple[float, ...] = ()
    ours: str = ""
    reference: str = ""
    note: str = ""
    trouble: str = ""

    @property
    def measured(self) -> float:
        return median(self.rounds)

    @property
    def verdict(self) -> str:
        """Whether it is reached, by how much it is not, or why nobody can tell."""
        if self.trouble or not self.asked.wanted:
            return self.trouble
        short = self._short()
        return "reached" if short <= 0 else f"falls short by {short:.0%}"

    def _short(self) -> float:
        """How far the median is from what is wanted, as a part of what is wanted."""
        if self.asked.at_most is not None:
            return self.measured / self.asked.at_most - 1
        return 1 - self.measured / (self.asked.at_least or math.nan)

    def noisy(self, why: str) -> "Row":
        """The same, measured on a machine that was busy with other things."""
        judged = self.asked.timed and bool(self.asked.wanted) and not self.trouble
        return replace(self, trouble=f"noisy: {why}" if judged else self.trouble)

    def cells(self) -> tuple[str, ...]:
        notes = "; ".join(text for text in (self.note, self.asked.tried) if text)
        return (
            self.asked.case, self.asked.figure, self._spread(), self.asked.wanted, self.ours, self.reference,
            self.verdict, notes,
        )  # fmt: skip

    def facts(self) -> Mapping[str, Any]:
        """For the JSON."""
        return {**asdict(self), "measured": self.measured if self.rounds else None, "verdict": self.verdict}

    def _spread(self) -> str:
        if not self.rounds:
            return ""
        told = f"**{_told(self.measured, self.asked.unit)}**"
        if len(self.rounds) == 1:
            return told
        return f"{told} ({_number(min(self.rounds))} to {_number(max(self.rounds))}, {len(self.rounds)} rounds)"


def as_markdown(rows: Sequence[Row], *, machine: Machine) -> str:
    head = [f"| {' | '.join(_HEAD)} |", "|---" * len(_HEAD) + "|"]
    return "\n".join([machine.told(), "", *head, *(f"| {' | '.join(row.cells())} |" for row in rows)])


def write(rows: Sequence[Row], *, machine: Machine, folder: Path) -> Path:
    """Writes `bench.json` and `bench.md`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"machine": asdict(machine), "rows": [row.facts() for row in rows]}
    (folder / "bench.json").write_text(json.dumps(found, indent=1, default=str) + "\n", "utf-8")
    (folder / "bench.md").write_text(as_markdown(rows, machine=machine) + "\n", "utf-8")
    return folder


def _told(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}"


def _number(value: float | None) -> str:
    """With as many digits as say something."""
    if value is None or not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
