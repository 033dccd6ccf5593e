"""`carelog demo`: starts everything on this machine, says where it is and what to try, and stops it with Ctrl-C."""

import asyncio
import os
import signal
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from deploy.cli.terminal import HomeOption, aside, command, said

if TYPE_CHECKING:
    from deploy.embedded.home import Home, Running

_TOKEN_LASTS = timedelta(hours=12)

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOWS = {
    "records": "FHIR R4 at /fhir, timelines at /patients/{id}/timeline",
    "referrals": "the worklist at /referrals",
}

_HONEST = (
    "The broker is Carelog's development broker: Kafka's protocol on this machine alone, a single node without"
    " replication, transactions or access control. Production runs on Apache Kafka."
)


@command
async def demo(
    home: HomeOption = None,
    ports: Annotated[
        str | None,
        typer.Option(help="`0` free ones, `9000` from there on, or `records=9001,broker=19092`. Else CARELOG_PORTS."),
    ] = None,
) -> None:
    """Run the five services with a local PostgreSQL and a development broker; Ctrl-C stops them."""
    from deploy.embedded.home import Home
    from deploy.embedded.plan import Wanted
    from deploy.embedded.ports import chosen_ports
    from deploy.embedded.supervisor import Supervisor

    chosen = Home.chosen(given=home)
    wanted = Wanted.by_environment(ports=chosen_ports(said=ports or os.environ.get("CARELOG_PORTS", "")))
    began = monotonic()
    _end_in_order()
    with aside.status("Starting PostgreSQL, the broker and five services ...") as status:
        try:
            async with Supervisor(home=chosen, wanted=wanted) as supervisor:
                status.stop()
                _tell(chosen, supervisor.running, seconds=monotonic() - began)
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            aside.print("Stopped. What was recorded is kept: `carelog demo` goes on from here.")


def _end_in_order() -> None:
    """Signals end what runs inside, from the inside out; once is enough, and twice does no harm."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def end() -> None:
        for number in _ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        if task:
            task.cancel()

    for number in _ENDING:
        loop.add_signal_handler(number, end)


def _tell(home: "Home", running: "Running", *, seconds: float) -> None:
    said.print(f"\n[bold]Carelog runs[/] (started in {seconds:.1f} s; everything is kept in {home.path})\n")
    said.print(_addresses(running))
    if running.is_development_broker:
        said.print(f"\n{_HONEST}")
    token = home.issuer.token(subject="dr-osei", role="clinician", organization="north-clinic", lifetime=_TOKEN_LASTS)
    said.print("\nA token for a clinician of north-clinic, for 12 hours (others: `carelog token --help`):\n")
    said.print(token, soft_wrap=True)
    said.print(_next(running))


def _addresses(running: "Running") -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name, address in running.services.items():
        table.add_row(name, address, _SHOWS.get(name, ""))
    table.add_row("broker", running.kafka, "Kafka protocol")
    table.add_row("messages", running.channel.removeprefix("folder:"), "to patients, as .eml files")
    return table


def _next(running: "Running") -> str:
    return f"""
What to try next, in another terminal:

  carelog story                     one patient's story through all five services
  carelog import FOLDER             FHIR R4 Bundles (.json, .bz2, .gz), with their history
  carelog events tail               what is said on the topics, as it is said
  carelog doctor                    whether all is well
  curl {running.services["records"]}/fhir/metadata

Ctrl-C stops all of it.
"""
