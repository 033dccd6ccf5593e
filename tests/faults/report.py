"""What came of each row, as JSON and as Markdown."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

Verdict = Literal["held", "fell short", "not possible here", "later"]

HEAD = "| row | fault | injected here by | outcome | commands: sent / acknowledged / refused | events | healed in s |"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One row, played with one seed."""

    row: str
    title: str
    verdict: Verdict
    injected: str = ""
    said: str = ""
    """what fell short, or why it could not be played"""
    seed: int | None = None
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    events: int = 0
    healed: float | None = None
    """seconds"""
    took: float = 0.0
    """seconds for all of it"""
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run: at which commit, in which form, with which outcomes."""

    commit: str
    form: str
    day: str
    outcomes: Sequence[Outcome]

    @classmethod
    def read(cls, folder: Path) -> Self:
        said = json.loads((folder / "faults.json").read_text("utf-8"))
        return cls(**{**said, "outcomes": [Outcome(**one) for one in said["outcomes"]]})

    def write(self, folder: Path) -> Path:
        """Writes `faults.json` and `faults.md`; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "faults.json").write_text(json.dumps(asdict(self), indent=1, default=str) + "\n", "utf-8")
        (folder / "faults.md").write_text(self.markdown + "\n", "utf-8")
        return folder

    @property
    def markdown(self) -> str:
        rows = [_line(several) for several in _by_row(self.outcomes)]
        return "\n".join([self.summary, "", HEAD, "|---" * (HEAD.count("|") - 1) + "|", *rows])

    @property
    def summary(self) -> str:
        played = [one for one in self.outcomes if one.verdict in ("held", "fell short")]
        counted = f"{sum(o.sent for o in played):,} commands, {sum(o.acknowledged for o in played):,} acknowledged"
        events = f"{sum(o.events for o in played):,} events"
        held = sum(all(one.verdict == "held" for one in several) for several in _by_row(played))
        return (
            f"At commit {self.commit}, {self.day}, {self.form}: {held} of {len(list(_by_row(played)))} rows that were"
            f" played held; {counted}, {events}."
        )


def _by_row(outcomes: Iterable[Outcome]) -> Sequence[Sequence[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.row, []).append(one)
    return [found[number] for number in sorted(found)]


def _line(several: Sequence[Outcome]) -> str:
    first = several[0]
    healed = [one.healed for one in several if one.healed is not None]
    counts = " / ".join(f"{sum(getattr(o, name) for o in several):,}" for name in ("sent", "acknowledged", "refused"))
    cells = [
        first.row,
        first.title,
        first.injected,
        _outcome(several),
        counts if first.verdict in ("held", "fell short") else "",
        f"{sum(one.events for one in several):,}" if any(one.events for one in several) else "",
        f"{max(healed):.1f}" if healed else "",
    ]
    return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"


def _outcome(several: Sequence[Outcome]) -> str:
    """The worst of the seeds, with what was noted of it."""
    worst = min(several, key=lambda one: ("fell short", "not possible here", "later", "held").index(one.verdict))
    of = f" ({len(several)} seeds)" if len(several) > 1 and worst.verdict == "held" else ""
    seed = f" (seed {worst.seed})" if worst.verdict == "fell short" else ""
    notes = "; ".join(f"{name.replace('_', ' ')}: {what}" for name, what in worst.notes.items() if name != "healed")
    said = worst.said or notes
    return f"{worst.verdict}{of}{seed}{': ' if said else ''}{said}"


def commit() -> str:
    """The commit of this tree, with a word where it is not all of it."""
    said = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return said.stdout.strip() or "unknown"
