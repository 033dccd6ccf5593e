"""`carelog doctor`: whether all is well here, and what to do where it is not."""

import platform
import shutil
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.cli.choosing import PATIENCE, PatienceOption
from deploy.cli.status import asked, table
from deploy.cli.terminal import HomeOption, command, said

if TYPE_CHECKING:
    from deploy.embedded.home import Home, Running
    from shared.runtime.operating import Finding

_LITTLE_SPACE = 2 * 1024**3


@command
async def doctor(patience: PatienceOption = PATIENCE, home: HomeOption = None) -> int:
    """Look at all that runs here: doors, logs, topics, consumers, disk. Exits with 1 where something is to be done."""
    from deploy.embedded.home import Home

    chosen = Home.chosen(given=home)
    found = [_versions(), _disk(chosen)]
    noted = chosen.noted()
    if noted is None or noted.supervisor.process is None:
        left = "a killed supervisor left its record: the next start clears up" if noted else "nothing runs here"
        found.append(_finding("supervisor", left, "Start it: carelog demo"))
    else:
        found.append(_finding("supervisor", f"runs, process {noted.supervisor.pid}"))
        found.append(_finding("broker", f"{_kind(noted)} at {noted.kafka}"))
        found += await _of_the_running(noted, home=home, patience=patience)
    said.print(table(found, title=""))
    return 1 if any(finding.advice for finding in found) else 0


async def _of_the_running(running: "Running", *, home: Path | None, patience: float) -> "list[Finding]":
    """Of each service its doors, then its condition."""
    from shared.runtime.operating import findings

    found = []
    for condition in await asked(service=None, home=home, patience=patience):
        name = condition.service
        found.append(await _doors(running, name))
        found += [replace(one, about=f"{name}: {one.about}") for one in findings(condition)]
    return found


def _kind(running: "Running") -> str:
    return "the development broker" if running.is_development_broker else "Kafka"


async def _doors(running: "Running", name: str) -> "Finding":
    from deploy.embedded.condition import health

    address = running.services[name]
    found = await health(address=address)
    mark = running.children.get(name)
    process = mark.process if mark else None
    memory = f", {process.memory_info().rss // 1024**2} MiB" if process else ""
    if found.away:
        return _finding(name, f"{address} does not answer", f"Read its log: logs/{name}.log")
    if found.failing:
        return _finding(name, f"{address} fails: {', '.join(found.failing)}", f"Read logs/{name}.log")
    return _finding(name, f"{address} is ready{memory}")


def _versions() -> "Finding":
    try:
        carelog = f"Carelog {version('carelog')}"
    except PackageNotFoundError:
        carelog = "Carelog, not installed"
    return _finding("versions", f"{carelog}, Python {platform.python_version()}, {platform.platform()}")


def _disk(home: "Home") -> "Finding":
    if not home.path.exists():
        return _finding("home", f"{home.path} is not there yet", "carelog demo makes it")
    free = shutil.disk_usage(home.path).free
    advice = "Make room: PostgreSQL and the broker stop when the disk is full" if free < _LITTLE_SPACE else ""
    return _finding("home", f"{home.path}, {free / 1024**3:.1f} GiB free", advice)


def _finding(about: str, says: str, advice: str = "") -> "Finding":
    from shared.runtime.operating import Finding

    return Finding(about=about, says=says, advice=advice)
