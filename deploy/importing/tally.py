"""What became of the resources, by type."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deploy.importing.parcel import Parcel


@dataclass(slots=True, kw_only=True)
class Tally:
    came_in: Counter[str] = field(default_factory=Counter)
    already_there: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reasons: list[tuple[str, str]] = field(default_factory=list)
    """a file, and why it was refused: names of fields and rules, never a value"""

    @property
    def types(self) -> list[str]:
        return sorted({*self.came_in, *self.already_there, *self.left_out, *self.refused})

    @property
    def resources(self) -> int:
        """How many of those that were sent are there now."""
        return self.came_in.total() + self.already_there.total()

    def accept(self, parcel: Parcel, statuses: Sequence[str], *, repeated: bool, reasons: Iterable[str] = ()) -> None:
        """One status for each entry, as the response Bundle gives them. A repeated Bundle had come in before.

        `reasons`: why some entries were refused.
        """
        for type, status in zip(parcel.types, statuses, strict=False):
            if status.startswith("201") and not repeated:
                self.came_in[type] += 1
            elif status.startswith("2"):
                self.already_there[type] += 1
            else:
                self.refused[type] += 1
        self.reasons += [(parcel.name, reason) for reason in reasons]
        self.left_out.update(parcel.left_out)

    def refuse(self, parcel: Parcel, reasons: Iterable[str]) -> None:
        self.refused.update(parcel.types)
        self.left_out.update(parcel.left_out)
        self.reasons += [(parcel.name, reason) for reason in reasons]

    def unreadable(self, name: str, reason: str) -> None:
        self.reasons.append((name, reason))
