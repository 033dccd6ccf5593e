"""A row of the matrix: its number, what happens, how it is made to happen here, and the function that plays it."""

import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.drill import Drill

Play = Callable[["Drill"], Coroutine[Any, Any, None]]


class FellShort(AssertionError):
    """The row does not hold; the message says what was seen."""


class NotHere(Exception):
    """The fault cannot be injected on this machine; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault. `needs` are the programs without which it cannot be injected."""

    number: str
    title: str
    injected: str
    play: Play
    needs: Sequence[str] = ()

    def must_be_possible(self) -> None:
        """Raises `NotHere` where a program is missing."""
        if missing := [program for program in self.needs if shutil.which(program) is None]:
            raise NotHere(f"{', '.join(missing)} is not installed")


_FOUND: dict[str, Row] = {}

LATER: Mapping[str, str] = {
    "F16": "10 % random loss",
    "F17": "slow link",
    "F23": "MongoDB primary steps down",
    "F26": "old and new version side by side",
    "F27": "clocks that are wrong",
    "F28": "key service down",
    "F29": "shredding during load",
    "F30": "restore to an earlier moment",
    "F31": "full loss of MongoDB and Kafka",
    "F32": "a saga killed at each step",
    "F36": "certificate or secret expired",
    "F37": "rows changed by an administrator of the database",
    "F38": "audit sink down",
}
"""rows of the matrix that nobody plays yet: what they need is not built"""

NOW = tuple(f"F{n:02}" for n in (*range(1, 16), *range(18, 23), 24, 25, 33, 34, 35))
"""rows that are to be played"""


def row(number: str, title: str, *, injected: str, needs: Sequence[str] = ()) -> Callable[[Play], Play]:
    """Registers the function below as this row."""

    def register(play: Play) -> Play:
        if number in _FOUND:
            raise ValueError(f"{number} is there twice")
        _FOUND[number] = Row(number=number, title=title, injected=injected, play=play, needs=needs)
        return play

    return register


def rows() -> Mapping[str, Row]:
    """All rows, in the order of their numbers: every module of `tests.faults.rows` is read."""
    package = import_module("tests.faults.rows")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_FOUND.items()))
