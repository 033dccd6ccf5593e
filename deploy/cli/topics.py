"""`carelog topics`: the topics as they have to be, and a log published again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from deploy.cli.asking import confirmed, told
from deploy.cli.choosing import PATIENCE, PatienceOption, ServiceOption, YesOption, operated
from deploy.cli.terminal import HomeOption, command, said
from deploy.trouble import Trouble

if TYPE_CHECKING:
    from shared.runtime.bus.topics import Step

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@command
async def apply(
    dry_run: DryRunOption = False,
    service: ServiceOption = None,
    yes: YesOption = False,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> int:
    """Make the topics that are missing and set what differs. Exits with 1 where something is left to be done."""
    from shared.runtime.operating import topics

    with told():
        for one in operated(service=service, home=home, patience=patience):
            steps = [step for step in await topics.plan(one) if step.verdict != "fine"]
            if not steps:
                continue
            said.print(_table(steps, title=one.service.name))
            if not dry_run:
                confirmed(f"Apply this for {one.service.name}?", yes=yes)
                await topics.apply(one, steps)
        left = [
            step for one in operated(service=service, home=home, patience=patience) for step in await topics.plan(one)
        ]
    wrong = {step.topic.name for step in left if step.verdict != "fine"}
    said.print(f"To be done: {', '.join(sorted(wrong))}" if wrong else "All topics are as they have to be.")
    return 1 if wrong else 0


@command
async def republish(
    after: Annotated[
        int, typer.Option(min=0, help="The position after which the log is published again; 0: all of it.")
    ],
    service: ServiceOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> None:
    """Publish a service's log again: where its topic lost events. Who has seen them knows them by their versions."""
    from shared.runtime.operating import topics

    if service is None:
        raise Trouble("Say whose log, with --service.", code=2)
    [one] = operated(service=service, home=home, patience=patience)
    with told():
        would = await topics.republished(one, after=after, dry_run=True)
        said.print(f"{would.events:,} events of {service} after position {would.after:,} are published again.")
        if not dry_run and would.events:
            confirmed("Publish them again?", yes=yes)
            await topics.republished(one, after=after, dry_run=False)
            said.print("The relay at work begins with them within seconds; see carelog status.")


def _table(steps: "Sequence[Step]", *, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
    for column in ("topic", "is", "what", "found", "wanted"):
        table.add_column(column)
    for step in steps:
        if not step.exists:
            table.add_row(step.topic.name, "missing", "partitions", "", str(step.topic.partitions))
        for one in step.differences:
            mark = step.verdict if one.changeable else "[red]cannot be changed here[/]"
            table.add_row(step.topic.name, mark, one.what, escape(one.found), escape(one.wanted))
    return table
