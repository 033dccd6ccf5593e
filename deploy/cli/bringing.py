"""`carelog import`: other systems' FHIR Bundles, with a bar on the way and a table at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import httpx
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.cli.terminal import HomeOption, aside, command, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.importing import importer
    from deploy.importing.tally import Tally

_TOKEN_LASTS = timedelta(hours=24)


@command
async def bring_in(
    path: Annotated[Path, typer.Argument(help="A FHIR Bundle (.json, .bz2, .gz), or a folder of them.")],
    organization: Annotated[str, typer.Option(help="Whose records they become.")] = "north-clinic",
    home: HomeOption = None,
) -> int:
    """Take FHIR R4 Bundles over as history. The same ones again change nothing."""
    from deploy.embedded.home import Home
    from deploy.importing.door import Door
    from deploy.importing.importer import Importer

    chosen = Home.chosen(given=home)
    records = chosen.running().services["records"]
    token = chosen.issuer.token(
        subject="carelog-import", role="system", organization=organization, lifetime=_TOKEN_LASTS
    )
    began = monotonic()
    async with httpx.AsyncClient(base_url=records, headers={"Authorization": f"Bearer {token}"}, timeout=120) as client:
        with _bar(began) as tell:
            tally = await Importer(door=Door(client=client), tell=tell).bring_in(path=path)
    _show(tally, seconds=monotonic() - began)
    return 1 if tally.reasons else 0


@contextmanager
def _bar(began: float) -> "Iterator[Callable[[importer.Progress], None]]":
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[resources]} resources, {task.fields[rate]:.0f}/s, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=aside) as bar:
        task = bar.add_task("bringing in", total=None, resources=0, rate=0.0)

        def tell(now: "importer.Progress") -> None:
            bar.update(
                task,
                description="until timelines and searches show it" if now.waits else "bringing in",
                completed=now.bytes_done,
                total=now.bytes_all,
                resources=now.resources,
                rate=now.resources / (monotonic() - began),
            )

        yield tell


def _show(tally: "Tally", *, seconds: float) -> None:
    table = Table(title="What became of it")
    for title in ("type", "came in", "already there", "left out", "refused"):
        table.add_column(title, justify="left" if title == "type" else "right")
    counts = (tally.came_in, tally.already_there, tally.left_out, tally.refused)
    for type in tally.types:
        table.add_row(type, *(_number(count[type]) for count in counts))
    table.add_section()
    table.add_row("all", *(_number(count.total()) for count in counts), style="bold")
    said.print(table)
    if tally.left_out:
        said.print("Left out: types that records does not own; references to them stay as they are.")
    for name, reason in tally.reasons:
        said.print(f"[red]Refused[/] {escape(name)}: {escape(reason)}")
    rate = tally.resources / seconds
    said.print(
        f"{tally.resources} resources in {seconds:.1f} s until timelines and searches showed the last: {rate:.0f}/s"
    )


def _number(count: int) -> str:
    return f"{count:,}" if count else ""
