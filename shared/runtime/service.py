"""What a service is, as one record: its name, what it publishes, shows, reacts to, and its doors.

`services/<name>/service.py` fills one; everything in the runtime is driven by it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from shared.contracts.envelope import Contract
from shared.kernel import Aggregate, Event
from shared.runtime.http.problems import Render
from shared.runtime.projection import Projection
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Published:
    """An event and the contract that others see it as. `shape` makes the contract's fields where they are not the
    event's own.
    """

    event: type[Event]
    contract: type[Contract]
    shape: Callable[[Any], Mapping[str, Any]] = vars


@dataclass(frozen=True, slots=True)
class Reaction:
    """What to do when others speak: a contract, and the function that answers it with one command.

    The function's name is the reaction's, and part of its command ids. `action` is what the policy
    judges it by; its actor is the service, for the organisation of the cause.
    """

    to: type[Contract]
    do: Callable[..., Awaitable[object]]
    action: str

    @property
    def name(self) -> str:
        return self.do.__name__

    @property
    def topic(self) -> str:
        """Where it is said."""
        return f"carelog.{self.to.TYPE.split('.', 1)[0]}.v1"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service. `parts` makes its commands and queries from a running `Runtime`; doors ask for them by class."""

    name: str
    title: str
    aggregates: Sequence[type[Aggregate]]
    publishes: Sequence[Published]
    projections: Sequence[Projection[Any]]
    reactions: Sequence[Reaction] = ()
    timers: Mapping[str, str] = field(default_factory=dict)
    """what timers call: the method of its commands, by whose name it is stored, and the action that is judged"""
    routers: Sequence[APIRouter] = ()
    errors: Mapping[str, Render] = field(default_factory=dict)
    """how errors are shown under a path prefix, where not as problem+json (`/fhir`)"""
    parts: Callable[["Runtime"], Sequence[object]]
    settings: type[Settings] = Settings

    @property
    def topic(self) -> str:
        return f"carelog.{self.name}.v1"

    @property
    def source(self) -> str:
        return f"/carelog/{self.name}"
