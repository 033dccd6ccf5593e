"""Where and when a run took place, and whether the machine was quiet enough to believe it."""

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from deploy.embedded.postgres import PROGRAMS
from tests.support.engines.engine import EngineUnavailable
from tests.support.engines.kafka import jars

_PAGE = 8_192
_PROBED_FOR = 0.5
_FLUSHES_APART = 2.0
"""by what factor the flushes a second of two probes of one run may differ"""
_BUSY = 0.3
"""what part of the cores others may use while nothing of ours runs"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the figures hold for."""

    commit: str
    date: str
    cores: int
    memory: str
    system: str
    versions: dict[str, str]
    form: str

    def told(self) -> str:
        """As the lines above the table."""
        engines = ", ".join(f"{name} {said}" for name, said in self.versions.items())
        where = f"{self.cores} cores, {self.memory}, {self.system}"
        return f"Commit {self.commit}, {self.date}, {self.form}: {where}.\n{engines}."


def this_machine(*, form: str) -> Machine:
    return Machine(
        commit=_said("git", "describe", "--always", "--dirty") or "unknown",
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        cores=os.cpu_count() or 1,
        memory=f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        system=f"{platform.system()} on {platform.machine()}",
        versions={
            "Python": platform.python_version(),
            "PostgreSQL": _said(str(PROGRAMS / "postgres"), "--version").rpartition(" ")[2],
            "Kafka": _kafka(),
            "Java": _said("java", "--version").partition("\n")[0] or "none",
            **{name: version(name) for name in ("asyncpg", "aiokafka", "eventsourcing", "faststream", "uvloop")},
        },
        form=form,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One look at the machine while nothing of ours runs: flushes of 8 KB a second, and what others use of it."""

    flushes: float
    busy: float


def probe(folder: Path) -> Probe:
    """Takes a second; writes beside the databases."""
    psutil.cpu_times_percent()
    flushes = _flushes(folder)
    psutil.cpu_times_percent()
    time.sleep(_PROBED_FOR)
    cpu = psutil.cpu_times_percent()
    return Probe(flushes=flushes, busy=1 - (cpu.idle + getattr(cpu, "iowait", 0.0)) / 100)


def noise(probes: Sequence[Probe], *, of: Sequence[Probe]) -> str:
    """Why the figures between these probes, `of` one case, are not to be believed in this run; "" where they are."""
    busy = max(one.busy for one in of)
    if busy > _BUSY:
        return f"others used {busy:.0%} of the machine"
    usual = sorted(one.flushes for one in probes)[len(probes) // 2]
    for one in of:
        if not usual / _FLUSHES_APART <= one.flushes <= usual * _FLUSHES_APART:
            return f"{one.flushes:,.0f} flushes a second, where {usual:,.0f} are usual in this run"
    return ""


def _flushes(folder: Path) -> float:
    page = bytes(_PAGE)
    with TemporaryFile(dir=folder) as file:
        began = time.perf_counter()
        for done in count(1):
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            if (took := time.perf_counter() - began) > _PROBED_FOR:
                return done / took
    raise AssertionError("it counts for ever")


def _kafka() -> str:
    if os.environ.get("CARELOG_TEST_KAFKA"):
        return "as given"
    try:
        [jar, *_] = jars().glob("kafka_2.*.jar")
    except (EngineUnavailable, ValueError):
        return "none"
    return jar.stem.rpartition("-")[2]


def _said(*line: str) -> str:
    try:
        return subprocess.run(line, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
