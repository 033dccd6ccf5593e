"""`carelog doctor`: whether all is well here, and what to do where it is not."""

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from deploy.cli.terminal import HomeOption, command, said
from deploy.trouble import Trouble

if TYPE_CHECKING:
    from deploy.embedded.home import Home, Running

_LITTLE_SPACE = 2 * 1024**3
_MUCH_TO_DO = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `advice` is there where something is to be done about it."""

    about: str
    says: str
    advice: str = ""


@command
async def doctor(home: HomeOption = None) -> int:
    """Look at all that runs here: doors, logs, topics, consumers, disk. Exits with 1 where something is to be done."""
    from deploy.embedded.home import Home

    chosen = Home.chosen(given=home)
    findings = [_versions(), _disk(chosen)]
    noted = chosen.noted()
    if noted is None or noted.supervisor.process is None:
        left = "a killed supervisor left its record: the next start clears up" if noted else "nothing runs here"
        findings.append(Finding(about="supervisor", says=left, advice="Start it: carelog demo"))
    else:
        findings += await _of_the_running(noted)
    _show(findings)
    return 1 if any(finding.advice for finding in findings) else 0


async def _of_the_running(running: "Running") -> list[Finding]:
    findings = [Finding(about="supervisor", says=f"runs, process {running.supervisor.pid}")]
    for name in running.services:
        findings += [await _doors(running, name), *await _log(running, name)]
    return [*findings, *await _bus(running)]


async def _doors(running: "Running", name: str) -> Finding:
    from deploy.embedded.condition import health

    address = running.services[name]
    found = await health(address=address)
    mark = running.children.get(name)
    process = mark.process if mark else None
    memory = f", {process.memory_info().rss // 1024**2} MiB" if process else ""
    if found.away:
        return Finding(about=name, says=f"{address} does not answer", advice=f"Read its log: logs/{name}.log")
    if found.failing:
        return Finding(about=name, says=f"{address} fails: {', '.join(found.failing)}", advice=f"Read logs/{name}.log")
    return Finding(about=name, says=f"{address} is ready{memory}")


async def _log(running: "Running", name: str) -> list[Finding]:
    from deploy.embedded.condition import store

    about = f"{name}: log"
    try:
        found = await store(dsn=running.databases[name])
    except Trouble as trouble:
        return [Finding(about=about, says=str(trouble), advice="Is PostgreSQL up? See postgres/log")]
    late = found.head - found.told
    advice = "The relay is behind: is the broker up?" if late > _MUCH_TO_DO else ""
    wrong = [
        Finding(about=f"{name}: on record", says=problem, advice="Look at this event; see docs/operating.md")
        for problem in found.problems
    ]
    says = f"{found.head:,} events, {late:,} not yet told, PostgreSQL {found.server}"
    return [Finding(about=about, says=says, advice=advice), *wrong]


async def _bus(running: "Running") -> list[Finding]:
    from deploy.embedded.condition import bus
    from shared.contracts.catalogue import SERVICES

    kind = "the development broker" if running.is_development_broker else "Kafka"
    try:
        found = await bus(bootstrap=running.kafka, services=SERVICES)
    except Trouble as trouble:
        return [Finding(about="topics", says=str(trouble), advice="Nothing is lost: it waits in the logs.")]
    topics = [Finding(about=topic, says=f"{count:,} messages") for topic, count in found.topics.items()]
    late = [
        Finding(about=group, says=f"{count:,} not yet applied", advice=_advice(count))
        for group, count in found.behind.items()
        if count
    ]
    return [Finding(about="topics", says=f"{kind} at {running.kafka}"), *topics, *late]


def _advice(behind: int) -> str:
    if behind <= _MUCH_TO_DO:
        return ""
    return (
        "Ask again in a minute. One that does not catch up has its reason in its log; an older version's may be deleted"
    )


def _versions() -> Finding:
    try:
        carelog = f"Carelog {version('carelog')}"
    except PackageNotFoundError:
        carelog = "Carelog, not installed"
    return Finding(about="versions", says=f"{carelog}, Python {platform.python_version()}, {platform.platform()}")


def _disk(home: "Home") -> Finding:
    if not home.path.exists():
        return Finding(about="home", says=f"{home.path} is not there yet", advice="carelog demo makes it")
    free = shutil.disk_usage(home.path).free
    advice = "Make room: PostgreSQL and the broker stop when the disk is full" if free < _LITTLE_SPACE else ""
    return Finding(about="home", says=f"{home.path}, {free / 1024**3:.1f} GiB free", advice=advice)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for finding in findings:
        mark = "[red]✗[/]" if finding.advice else "[green]✓[/]"
        table.add_row(mark, escape(finding.about), escape(finding.says))
        if finding.advice:
            table.add_row("", "", f"[yellow]{escape(finding.advice)}[/]")
    said.print(table)
