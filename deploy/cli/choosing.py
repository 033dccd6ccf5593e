"""Which services a command is about: those of the home that runs here, or the one whose settings this process has."""

import logging
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.trouble import Trouble
from shared.contracts.catalogue import SERVICES

if TYPE_CHECKING:
    from shared.runtime.operating import Operated
    from shared.runtime.service import Service

ServiceOption = Annotated[
    str | None,
    typer.Option(
        "--service",
        help="Only this one. Where the environment has a service's settings (a pod of its own), which one they are.",
    ),
]
PatienceOption = Annotated[float, typer.Option(min=0.5, max=600, help="Seconds for each question to an engine.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

PATIENCE = 10.0
_SETTINGS = ("CARELOG_POSTGRES", "CARELOG_POSTGRES_FILE", "CARELOG_SECRETS")


def operated(*, service: str | None, home: Path | None, patience: float = PATIENCE) -> Sequence["Operated"]:
    """All of them, or the one that is named. Raises `Trouble`, which says what is missing."""
    from shared.runtime.operating import Operated

    for name in ("aiokafka", "asyncio"):  # what they say of a broker that is away, we say in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if service is not None and service not in SERVICES:
        raise Trouble(f"There is no service {service}; there are {', '.join(SERVICES)}.", code=2)
    if home is None and any(os.environ.get(name) for name in _SETTINGS):
        if service is None:
            raise Trouble("The environment has one service's settings: say which one it is with --service.", code=2)
        the = _service(service)
        return [Operated(service=the, settings=the.settings.read(), patience=patience)]
    return _of_home(home, [service] if service else SERVICES, patience)


def the_one(*, service: str | None, projection: str, home: Path | None, patience: float = PATIENCE) -> "Operated":
    """The one service that has this projection. Raises `Trouble`: several have `relations`."""
    found = [one for one in operated(service=service, home=home, patience=patience) if _has(one, projection)]
    match found:
        case [one]:
            return one
        case []:
            raise Trouble(f"There is no projection {projection}; see them with `carelog projections status`.", code=2)
        case _:
            raise Trouble(f"Several services have {projection}: say which one with --service.", code=2)


def _has(one: "Operated", projection: str) -> bool:
    return any(projection == each.name for each in one.projections)


def _of_home(home: Path | None, names: Sequence[str], patience: float) -> Sequence["Operated"]:
    from deploy.embedded.home import Home
    from deploy.embedded.told import settings
    from shared.runtime.operating import Operated

    chosen = Home.chosen(given=home)
    running = chosen.noted()
    if running is None or running.supervisor.process is None:
        raise Trouble(
            f"Carelog is not running in {chosen.path}: start it with `carelog demo`, or name its home. In a cluster,"
            " run this in a pod of a service, with --service."
        )
    return [
        Operated(service=the, settings=settings(service=the, home=chosen, running=running), patience=patience)
        for the in map(_service, names)
    ]


def _service(name: str) -> "Service":
    found: Any = import_module(f"services.{name}.service").service
    return found  # type: ignore[no-any-return]
