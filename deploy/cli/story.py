"""`carelog story`: one patient's way through all five services, against the running system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deploy.cli.terminal import HomeOption, aside, command, said

if TYPE_CHECKING:
    from deploy.embedded.home import Home
    from deploy.story.notebook import Notebook
    from deploy.story.player import Played


@command
async def story(
    home: HomeOption = None,
    anew: Annotated[bool, typer.Option("--new", help="Begin another story, even if one was cut off.")] = False,
    resume: Annotated[Path | None, typer.Option(help="The notebook of the story to go on with.")] = None,
) -> None:
    """Play one patient's story through all five services. One that was cut off goes on where it was."""
    from deploy.embedded.home import Home
    from deploy.story.doors import Doors
    from deploy.story.player import play
    from deploy.story.scene import Scene

    chosen = Home.chosen(given=home)
    running = chosen.running()
    notebook = _notebook(chosen, anew=anew, resume=resume)
    said.print(f"[bold]Story {notebook.id}[/]{' goes on' if notebook.done else ''}\n")
    async with Doors(addresses=running.services, token=lambda caller: caller.token(issuer=chosen.issuer)) as doors:
        scene = Scene(
            doors=doors, notebook=notebook, waits=lambda what: aside.print(f"[dim]      waiting until {what}[/]")
        )
        await play(scene, tell=_tell)
    said.print("\n[bold green]The loop is closed.[/]")


def _notebook(home: "Home", *, anew: bool, resume: Path | None) -> "Notebook":
    from deploy.story.notebook import Notebook
    from deploy.story.plot import STORY

    if resume:
        return Notebook.open(path=resume)
    cut_off = None if anew else Notebook.unfinished(folder=home.stories, steps=len(STORY))
    return cut_off or Notebook.begin(folder=home.stories)


def _tell(played: "Played") -> None:
    took = "before" if played.milliseconds is None else f"{played.milliseconds:.0f} ms"
    said.print(f"{played.number:3}  {played.step.says:<48} [dim]{took:>9}[/]")
    said.print(f"     [cyan]{escape(played.outcome)}[/]")
