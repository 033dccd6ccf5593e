"""`carelog parked`: messages that could not be applied and wait aside: listed, looked at, and asked for again."""

import asyncio
import json
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from deploy.cli.asking import confirmed, told
from deploy.cli.choosing import PATIENCE, JsonOption, PatienceOption, ServiceOption, YesOption, operated
from deploy.cli.terminal import HomeOption, command, said
from deploy.trouble import Trouble

if TYPE_CHECKING:
    from shared.runtime.operating import Operated
    from shared.runtime.operating.parked import Aside, Message, Wanted
    from shared.runtime.operating.trying import Outcome

WhichArgument = Annotated[str, typer.Argument(help="An aggregate, an event, or a place: topic/partition/offset.")]
ConsumerOption = Annotated[str | None, typer.Option(help="Only of this consumer group.")]
_LOOK = 0.5


@command
async def show_list(
    consumer: ConsumerOption = None,
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """List what is set aside, a line for each aggregate of each consumer group. Exits with 1 where there is any."""
    from shared.runtime.operating.parked import Wanted, listed

    found: list[Aside] = []
    with told():
        for one in operated(service=service, home=home, patience=patience):
            async with one.log() as database:
                found += await listed(database, Wanted(consumer=consumer))
    if as_json:
        said.print_json(_json(found))
    elif found:
        said.print(_table(found))
    else:
        said.print("Nothing is set aside.")
    return 1 if any(not one.waits for one in found) else 0


@command
async def show(
    which: WhichArgument,
    consumer: ConsumerOption = None,
    service: ServiceOption = None,
    patience: PatienceOption = PATIENCE,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Show what is known of these messages: envelopes, errors, places in the code. What was said in them never is."""
    from shared.runtime.operating.parked import Wanted, messages

    found: list[Message] = []
    with told():
        for one in operated(service=service, home=home, patience=patience):
            async with one.log() as database:
                found += await messages(database, Wanted(which=which, consumer=consumer))
    if not found:
        raise Trouble(f"Nothing of {which} is set aside.")
    if as_json:
        said.print_json(_json(found))
    else:
        for message in found:
            said.print(_facts(message))
    return 0


@command
async def replay(
    which: Annotated[str | None, typer.Argument(help="An aggregate, an event, or a place. None: all of them.")] = None,
    consumer: ConsumerOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it, tried on copies.")] = False,
    service: ServiceOption = None,
    yes: YesOption = False,
    patience: PatienceOption = PATIENCE,
    home: HomeOption = None,
) -> int:
    """Have it tried again, in order, by the consumer it is set aside for. Exits with 1 where something stays aside."""
    from shared.runtime.operating.parked import Wanted

    wanted = Wanted(which=which, consumer=consumer)
    the = operated(service=service, home=home, patience=patience)
    with told():
        outcomes = [outcome for one in the for outcome in await _tried(one, wanted)]
        if not outcomes:
            said.print("Nothing is set aside.")
            return 0
        said.print(_outcomes(outcomes))
        if dry_run:
            return 1 if any(one.error for one in outcomes) else 0
        confirmed(f"Have {len(outcomes)} tried again?", yes=yes)
        return 1 if sum([await _asked(one, wanted) for one in the]) else 0


async def _tried(of: "Operated", wanted: "Wanted") -> "list[Outcome]":
    from shared.runtime.operating.parked import listed
    from shared.runtime.operating.trying import tried

    async with of.log() as database:
        found = await listed(database, wanted)
        if not found:
            return []
        async with of.stores() as stores:
            return [await tried(of, database, stores, one) for one in found]


async def _asked(of: "Operated", wanted: "Wanted") -> int:
    """How many are still set aside when each was taken up, or nobody has done so within the patience."""
    from shared.runtime.operating.parked import asked_again, still_asked

    async with of.log() as database:
        count = await asked_again(database, wanted)
        if not count:
            return 0
        deadline = monotonic() + of.patience
        while (left := await still_asked(database, wanted))[0] and monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)
    waiting, aside = left
    said.print(f"{of.service.name}: {max(0, count - aside):,} messages went through, {aside:,} stay aside.")
    if waiting:
        said.print(
            f"[yellow]{waiting:,} of them have not been taken up yet: is a worker running? They stay asked for.[/]"
        )
    return aside


def _table(found: "Sequence[Aside]") -> Table:
    from shared.runtime.operating import duration

    table = Table(box=None, padding=(0, 2))
    for title in ("consumer", "which", "first event", "error", "messages", "since"):
        table.add_column(title, justify="right" if title in ("messages", "since") else "left", no_wrap=title == "which")
    for one in found:
        error = "tried again by itself" if one.waits else one.error.split(" | ")[0]
        again = " (asked for again)" if one.wanted and not one.waits else ""
        event = f"{one.type} {one.event.rsplit('.', 1)[-1]}"
        table.add_row(
            one.consumer, one.named, escape(event), escape(error) + again, f"{one.messages:,}", duration(one.age)
        )
    return table


def _facts(message: "Message") -> Table:
    """The envelope, then what went wrong and where in our code."""
    from shared.runtime.operating import duration

    table = Table(box=None, show_header=False, padding=(0, 2))
    error, *frames = message.error.split(" | ")
    for name, value in (
        ("consumer", message.consumer),
        ("place", message.place),
        ("event", message.event),
        ("type", message.type),
        ("set aside", f"{duration(message.age)} ago"),
        ("size", f"{message.size:,} bytes"),
        ("error", error),
        *(("at", frame) for frame in frames),
        *_of_envelope(message),
    ):
        table.add_row(name, escape(str(value)))
    return table


def _of_envelope(message: "Message") -> "list[tuple[str, str]]":
    from shared.contracts.envelope import to_headers

    if message.envelope is None:
        return [("envelope", "none that can be believed")]
    return [(name.removeprefix("ce_"), value.decode()) for name, value in to_headers(message.envelope)]


def _outcomes(outcomes: "Sequence[Outcome]") -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in ("consumer", "which", "messages", "would go through", "then"):
        table.add_column(title, no_wrap=title == "which")
    for one in outcomes:
        then = f"[red]{escape(one.error)}[/]" if one.error else escape(one.says)
        table.add_row(one.aside.consumer, one.aside.named, f"{one.aside.messages:,}", f"{one.applied:,}", then)
    return table


def _json(found: "Sequence[Aside] | Sequence[Message]") -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(found))
