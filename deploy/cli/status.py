"""`carelog status`: how each service's log, relay, consumers and documents are, asked of the engines themselves."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from deploy.cli.choosing import PATIENCE, JsonOption, PatienceOption, ServiceOption, operated
from deploy.cli.terminal import HomeOption, command, said

if TYPE_CHECKING:
    from shared.runtime.operating import Condition, Finding


@command
async def status(
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Say how the log, the relay, each consumer and each projection are. Exits with 1 where something is to be done."""
    from shared.runtime.operating import findings

    conditions = await asked(service=service, patience=patience, home=home)
    found = {one.service: findings(one) for one in conditions}
    if as_json:
        said.print_json(json.dumps([_plain(one, found[one.service]) for one in conditions]))
    else:
        for one in conditions:
            said.print(table(found[one.service], title=one.service))
    return 1 if any(finding.advice for each in found.values() for finding in each) else 0


async def asked(**chosen: object) -> "Sequence[Condition]":
    """All of the chosen services at once."""
    import asyncio

    from shared.runtime.operating import condition

    return await asyncio.gather(*(condition(one) for one in operated(**chosen)))  # type: ignore[arg-type]


def table(found: "Sequence[Finding]", *, title: str) -> Table:
    shown = Table(title=title, title_style="bold", title_justify="left", box=None, show_header=False, padding=(0, 2))
    for finding in found:
        mark = "[red]✗[/]" if finding.advice else "[green]✓[/]"
        shown.add_row(mark, escape(finding.about), escape(finding.says))
        if finding.advice:
            shown.add_row("", "", f"[yellow]{escape(finding.advice)}[/]")
    return shown


def _plain(of: "Condition", found: "Sequence[Finding]") -> dict[str, object]:
    import msgspec

    to_do = [
        {"about": finding.about, "says": finding.says, "advice": finding.advice} for finding in found if finding.advice
    ]
    plain: dict[str, object] = msgspec.to_builtins(of)
    return {**plain, "to_do": to_do}
