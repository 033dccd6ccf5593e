"""What all commands share: where the home is, how results are shown, and how trouble is told."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

from deploy.trouble import Trouble

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where Carelog keeps everything: CARELOG_HOME, else .carelog here.")
]

_WIDE = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 160
"""what is read by a program, or kept in a file, is not folded at a screen's width"""

said = Console(highlight=False, width=_WIDE)
"""what a command answers"""
aside = Console(stderr=True, highlight=False)
"""what is for people alone"""

P = ParamSpec("P")


def command(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """An asynchronous command. Its number is the exit code; `Trouble`, and what the system refuses (a folder that
    cannot be written), is one line on standard error and 1.
    """

    @wraps(work)
    def run(*args: P.args, **named: P.kwargs) -> None:
        try:
            code = asyncio.run(work(*args, **named))
        except Trouble as trouble:
            _failed(str(trouble))
            code = trouble.code
        except KeyboardInterrupt:
            code = 130
        except BrokenPipeError:
            sys.stderr.close()
            code = 0
        except OSError as error:
            code = _failed(f"{error.strerror or type(error).__name__}: {error.filename or 'on this machine'}")
        raise typer.Exit(code or 0)

    return run


def _failed(why: str) -> int:
    aside.print(f"[bold red]carelog:[/] {escape(why)}", soft_wrap=True)
    return 1
