"""What commands that change something ask first, and how they tell what an operator can do nothing about at once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from deploy.cli.terminal import aside
from deploy.trouble import Trouble

if TYPE_CHECKING:
    from shared.runtime.rebuild import Taken


def confirmed(question: str, *, yes: bool) -> None:
    """Returns where a person, or `--yes`, says so. Raises `Trouble` where nobody does."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Trouble("This changes something: say --yes where nobody can be asked.", code=2)
    if not typer.confirm(question, err=True):
        raise Trouble("Nothing was changed.")


@contextmanager
def told() -> Iterator[None]:
    """Whatever stands in an operation's way is one line."""
    from shared.runtime.operating import REFUSED, TRANSIENT, Away, Unknown
    from shared.runtime.rebuild import Deposed, NoWayBack, Taken

    try:
        yield
    except Away as away:
        raise Trouble(str(away)) from None
    except Unknown as unknown:
        raise Trouble(str(unknown), code=2) from None
    except Taken as taken:
        raise Trouble(_taken(taken)) from None
    except Deposed:
        raise Trouble("Another process has taken this rebuild over: see carelog projections status.") from None
    except NoWayBack:
        raise Trouble("No earlier generation is kept: nothing was changed.") from None
    except TRANSIENT as gone:
        raise Trouble(f"An engine went away ({type(gone).__name__}): the same command goes on from here.") from None
    except REFUSED as error:
        raise Trouble(
            f"PostgreSQL refuses ({type(error).__name__}): the tables may be another release's. A service makes its own"
            " when it starts."
        ) from None


def _taken(taken: "Taken") -> str:
    from shared.runtime.operating import duration

    entry = taken.entry
    return (
        f"{entry.held_by} is rebuilding {entry.projection} (generation {entry.generation}, {entry.state}; last heard of"
        f" {duration(entry.silent_for)} ago): see carelog projections status."
    )


def plain_lines() -> bool:
    """Nobody watches: a bar would fill a log."""
    return not aside.is_terminal
