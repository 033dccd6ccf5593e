"""`carelog projections`: which generations there are; building one anew, comparing, and going back."""

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from deploy.cli.asking import confirmed, plain_lines, told
from deploy.cli.choosing import PATIENCE, JsonOption, PatienceOption, ServiceOption, YesOption, operated, the_one
from deploy.cli.terminal import HomeOption, aside, command, said

if TYPE_CHECKING:
    from shared.runtime.operating import Operated
    from shared.runtime.operating.projections import Shown
    from shared.runtime.rebuild import Comparison, Ids, Progress, Rebuilt

ProjectionArgument = Annotated[str, typer.Argument(help="Its name, as `carelog projections status` shows it.")]
_LOOK = 0.5
_A_LINE_EVERY = 5.0
"""seconds"""


@command
async def status(
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Show each projection's live generation, the ones kept, and rebuilds. Exits with 1 where one was broken off."""
    from shared.runtime.operating.projections import shown

    found: dict[str, list[Shown]] = {}
    with told():
        for one in operated(service=service, home=home, patience=patience):
            found[one.service.name] = list(await shown(one))
    if as_json:
        import msgspec

        said.print_json(json.dumps(msgspec.to_builtins(found)))
    else:
        said.print(_generations(found))
    every = [entry for shown in found.values() for each in shown for entry in each.entries]
    return 1 if any(entry.was_broken_off for entry in every) else 0


@command
async def rebuild(
    projection: ProjectionArgument,
    service: ServiceOption = None,
    even_if_different: Annotated[
        bool,
        typer.Option("--even-if-different", help="Its code has changed on purpose: switch though documents differ."),
    ] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Leave what was broken off, and begin with an empty one.")
    ] = False,
    yes: YesOption = False,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> int:
    """Build a projection anew beside the live one, compare both, and switch to it. Readers do not notice."""
    from shared.runtime.operating.projections import rebuilt

    of = the_one(service=service, projection=projection, home=home, patience=patience)
    gc.freeze()  # what the start made stays: the collector need not look at it again, nor run every 700 objects
    gc.set_threshold(20_000, 20, 20)
    confirmed(f"Rebuild {of.service.name}'s {projection} beside the live one?", yes=yes)
    with told(), _bar() as tell:
        done = await rebuilt(
            of, of.projection(projection), tell=tell, even_if_different=_judge(even_if_different), afresh=afresh
        )
    _show(done.comparison)
    said.print(_outcome(done))
    return 0 if done.switched else 1


@command
async def compare(
    projection: ProjectionArgument,
    old: Annotated[int | None, typer.Option(help="A generation; else the live one.")] = None,
    new: Annotated[int | None, typer.Option(help="A generation; else the newest of the others that are kept.")] = None,
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> int:
    """Compare two generations as they are now; one that nobody fills falls behind. Exits with 1 where they differ."""
    from shared.runtime.operating.projections import compared, pair
    from shared.runtime.rebuild import Progress

    of = the_one(service=service, projection=projection, home=home, patience=patience)
    the = of.projection(projection)
    with told(), _bar() as tell:
        left, right = await pair(of, the, old=old, new=new)
        found = await compared(
            of,
            the,
            old=left,
            new=right,
            tell=lambda count: tell(Progress(generation=right, state="comparing", compared=count)),
        )
    said.print(f"Generation {left} and generation {right} of {projection}:")
    _show(found)
    return 0 if found.agrees else 1


@command
async def rollback(
    projection: ProjectionArgument,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Do not bring it level first: for a while it shows what was when it was left."),
    ] = False,
    service: ServiceOption = None,
    yes: YesOption = False,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> None:
    """Go back to the generation before, brought level with the topics first."""
    from shared.runtime.operating.projections import rebuilds

    of = the_one(service=service, projection=projection, home=home, patience=patience)
    confirmed(f"Take {of.service.name}'s {projection} back to the generation before?", yes=yes)
    with told(), _bar() as tell:
        async with rebuilds(of, of.projection(projection), tell=tell) as one:
            done = await one.roll_back(at_once=at_once)
    said.print(f"Readers are back at generation {done.generation}; generation {done.replaced} is kept.")


@command
async def heal(
    projection: Annotated[str | None, typer.Argument(help="Its name. None: all of them.")] = None,
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> int:
    """Have the workers fill holes from the owners' feeds now. Exits with 1 where some stay, and says why."""
    left = 0
    with told():
        for one in operated(service=service, home=home, patience=patience):
            left += await _healed(one, None if projection is None else [projection])
    if not left:
        said.print("No source stands still.")
    return 1 if left else 0


async def _healed(of: "Operated", projections: "list[str] | None") -> int:
    """How many sources still stand still when the patience is out."""
    from shared.runtime.operating.mending import hurry, standing, troubles

    async with of.log() as database:
        left = await hurry(database, projections=projections)
        deadline = monotonic() + of.patience
        while left and monotonic() < deadline:
            await asyncio.sleep(_LOOK)
            left = await standing(database, projections=projections)
        for trouble, sources in await troubles(database, projections=projections) if left else ():
            said.print(f"{of.service.name}: {sources:,} sources stand still: {escape(trouble)}")
    return left


def _judge(even_if_different: bool) -> "Callable[[Comparison], Awaitable[bool]]":
    async def judged(_: "Comparison") -> bool:
        return even_if_different

    return judged


@contextmanager
def _bar() -> "Iterator[Callable[[Progress], None]]":
    """A bar where somebody watches, else a line every few seconds."""
    if plain_lines():
        yield _line_by_line()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[says]}"))
    with Bar(*columns, console=aside, transient=True) as bar:
        task = bar.add_task("", total=None, says="")

        def tell(now: "Progress") -> None:
            filling = now.state == "filling" and not now.waits_for
            bar.update(
                task,
                description=f"generation {now.generation}",
                completed=now.applied,
                total=now.there if filling else None,
                says=_says(now),
            )

        yield tell


def _line_by_line() -> "Callable[[Progress], None]":
    last: tuple[str, str, float] = ("", "", 0.0)

    def tell(now: "Progress") -> None:
        nonlocal last
        if (now.state, now.waits_for) != last[:2] or monotonic() - last[2] >= _A_LINE_EVERY:
            last = (now.state, now.waits_for, monotonic())
            aside.print(f"generation {now.generation}: {_says(now)}", soft_wrap=True)

    return tell


def _says(now: "Progress") -> str:
    from shared.runtime.operating import duration

    if now.waits_for:
        return f"waiting for {now.waits_for}"
    if now.state == "filling":
        left = "" if now.seconds_left is None else f", {duration(now.seconds_left)} left"
        return f"{now.applied:,} of {now.there:,} messages, {now.rate:,.0f}/s{left}"
    return f"comparing, {now.compared:,} documents" if now.state == "comparing" else now.state


def _outcome(done: "Rebuilt") -> str:
    if done.switched:
        left = f" Clean-up is left to the next one ({done.left_to_do})." if done.left_to_do else ""
        return (
            f"Readers are at generation {done.generation}; generation {done.replaced} is kept for the way back.{left}"
        )
    kept = f"Generation {done.replaced} stays live, generation {done.generation} is kept for a look."
    if done.comparison.behind:
        return f"[red]Not switched:[/] the new generation lacks what the live one has seen. {kept}"
    return f"[red]Not switched:[/] documents differ; with --even-if-different they may. {kept}"


def _show(found: "Comparison") -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row("equal", f"{found.equal:,}", "")
    for name, ids in (
        ("different at equal versions", found.different),
        ("have seen less in the new one", found.behind),
        ("have seen less in the old one", found.ahead),
        ("changed too often to be caught level", found.moving),
    ):
        if ids:
            table.add_row(name, f"{ids.count:,}", escape(_some(ids)))
    said.print(table)


def _some(ids: "Ids") -> str:
    return ", ".join(ids.some) + (" ..." if ids.count > len(ids.some) else "")


def _generations(found: "dict[str, list[Shown]]") -> Table:
    from shared.runtime.operating import rebuild as told_of

    table = Table(box=None, padding=(0, 2))
    for title in ("service", "projection", "live", "kept", "last rebuild"):
        table.add_column(title, justify="right" if title == "live" else "left")
    for service, each in found.items():
        for one in each:
            kept = [
                str(entry.generation) for entry in one.entries if not entry.dropped_at and entry.generation != one.live
            ]
            last = told_of(one.entries[0]) if one.entries else "never rebuilt"
            table.add_row(service, one.projection, str(one.live), ", ".join(kept), escape(last))
    return table
