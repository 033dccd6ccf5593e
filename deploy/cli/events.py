"""`carelog events tail`: one line for each event, as it is said. What was said in it only where it is asked for."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.markup import escape

from deploy.cli.terminal import HomeOption, command, said
from deploy.trouble import Trouble
from shared.contracts.catalogue import SERVICES

if TYPE_CHECKING:
    from shared.contracts.envelope import Envelope


@command
async def tail(
    patient: Annotated[str | None, typer.Option(help="Only what is about this patient.")] = None,
    service: Annotated[list[str] | None, typer.Option(help=f"Only what these say: {', '.join(SERVICES)}.")] = None,
    payload: Annotated[bool, typer.Option("--payload", help="With the facts themselves: people's health.")] = False,
    from_the_beginning: Annotated[bool, typer.Option("--all", help="All that was ever said, then what comes.")] = False,
    home: HomeOption = None,
) -> None:
    """Follow the topics: time, event, whose aggregate, who said it, for which organization."""
    from deploy.embedded.following import follow
    from deploy.embedded.home import Home

    about = _id(patient)
    running = Home.chosen(given=home).running()
    async for one in follow(bootstrap=running.kafka, services=_known(service), from_the_beginning=from_the_beginning):
        if about in (None, one.envelope.patient):
            said.print(_line(one.envelope), soft_wrap=True)
            if payload:
                said.print(escape(one.payload.decode(errors="replace")), soft_wrap=True, style="dim")


def _line(event: "Envelope") -> str:
    time = event.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    history = " [dim](history)[/]" if event.origin == "history" else ""
    who = escape(f"{event.actor} ({event.role}) for {event.organization}")
    return f"[dim]{time}[/]  [bold]{event.type:<44}[/] {event.subject} v{event.sequence:<4} {who}{history}"


def _id(patient: str | None) -> UUID | None:
    try:
        return UUID(patient) if patient else None
    except ValueError:
        raise Trouble("A patient is named by its id, such as 0190a1b2-0000-7000-8000-000000000000.") from None


def _known(services: list[str] | None) -> list[str]:
    if unknown := set(services or ()) - set(SERVICES):
        raise Trouble(f"There is no service {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}.")
    return services or list(SERVICES)
