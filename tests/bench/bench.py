"""What a case is given: how much to do, the engines of this run, and where to leave what the plots show."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.counting import known
from tests.bench.report import Asked, Row
from tests.support.engines import choice
from tests.support.engines.postgres import Postgres, fresh_database


class NotPossible(Exception):
    """The case needs what is not to be had here; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much each case does."""

    form: str
    rounds: int
    appends: int
    """of 16 clients in one round; other cases take their part of it"""
    held: float
    """seconds for which a snapshot is held open"""
    commands: int
    """end to end, in one round of ours"""
    idiomatic: int
    """the same for the pipeline that is compared"""
    offered: tuple[int, float]
    """commands a second that are offered, and for how many seconds"""
    events: int
    """projected in one round"""
    deep: int
    """events in the large log"""
    grown: tuple[int, int]
    """events after which memory is read"""
    bundles: int | None = None
    """how many of the real Bundles are imported; None: all"""
    patience: float = 1_500
    """seconds after which a case is given up"""


FULL = Scale(
    form="the whole bench", rounds=7, appends=24_000, held=60, commands=8_000, idiomatic=1_500, offered=(1_000, 15),
    events=60_000, deep=10_000_000, grown=(100_000, 1_000_000),
)  # fmt: skip
QUICK = Scale(
    form="the quick form", rounds=3, appends=8_000, held=10, commands=3_000, idiomatic=600, offered=(1_000, 5),
    events=15_000, deep=1_000_000, grown=(20_000, 80_000), bundles=6, patience=300,
)  # fmt: skip
TINY = Scale(
    form="a trial", rounds=1, appends=64, held=0.2, commands=20, idiomatic=10, offered=(50, 1), events=200,
    deep=2_000, grown=(100, 300), bundles=1, patience=150,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One run."""

    scale: Scale
    home: Path
    distributions: dict[str, Sequence[float]] = field(default_factory=dict)
    """seconds an append took, for each writer"""
    throughputs: dict[str, dict[int, float]] = field(default_factory=dict)
    """appends a second by clients, for each writer"""

    @cached_property
    def postgres(self) -> Postgres:
        """One server for ours and for what it is compared with, with the same settings."""
        return choice.postgres(run=self.home)

    @cached_property
    def kafka(self) -> str:
        """Apache Kafka's address. Raises `EngineUnavailable`."""
        engine = choice.kafka(run=self.home)
        engine.start()
        return engine.address

    def database(self) -> AbstractAsyncContextManager[str]:
        """The address of an empty database for one case."""
        return fresh_database(server=self.postgres)

    def folder(self, name: str) -> Path:
        """A folder for one case."""
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured together: the rows that it fills, in their order."""

    name: str
    asks: Sequence[Asked]
    measure: Callable[[Bench], AsyncIterator[Row]]


@contextmanager
def a_bench(scale: Scale) -> Iterator[Bench]:
    """Its engines end with it."""
    with known(), TemporaryDirectory(prefix="carelog-bench-", ignore_cleanup_errors=True) as folder:
        try:
            yield Bench(scale=scale, home=Path(folder))
        finally:
            choice.stop_all(run=Path(folder))


def our_own(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this tree in a process of its own."""
    return [sys.executable, "-m", module, *arguments]


def environment(**told: object) -> dict[str, str]:
    """Ours without the settings of whoever runs the bench, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARELOG_")}
    return {**inherited, **{f"CARELOG_{name.upper()}": str(value) for name, value in told.items()}}
