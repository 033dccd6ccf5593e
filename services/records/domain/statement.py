"""What the kinds of a versioned resource share: recorded, amended, retracted, with event classes made from a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from services.records.domain.fhir import TYPES, Resource
from shared.kernel import Aggregate, Birth, Event, Gone, Refused, event_class


class AnotherType(Refused):
    """A resource keeps its type for ever: record a new one."""


class Recorded(Birth):
    """A resource was recorded. `resource` is its FHIR R4 JSON, its id included."""

    resource: Resource


class Amended(Event):
    """It was corrected or completed: `resource` is the whole of it as it is now."""

    resource: Resource


class Retracted(Event):
    """It should not be relied on any more. What was said stays in its history."""

    reason: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The event classes of one FHIR type: `records.observation.recorded`, `.amended`, `.retracted`."""

    recorded: type[Recorded]
    amended: type[Amended]
    retracted: type[Retracted]

    @property
    def events(self) -> tuple[type[Event], ...]:
        return (self.recorded, self.amended, self.retracted)


def kinds(types: Iterable[str]) -> Mapping[str, Kind]:
    """The event classes of these FHIR types."""
    return {name: Kind(_made(name, Recorded), _made(name, Amended), _made(name, Retracted)) for name in types}


def _made(name: str, base: type[Any]) -> Any:
    """`ObservationRecorded`, stored as `records.observation.recorded`."""
    word = base.__name__
    return event_class(f"{name}{word}", base, topic=f"records.{TYPES[name].noun}.{word.lower()}")


class Statement(Aggregate):
    """One resource with its versions. Subclasses name their `KINDS`."""

    TOPIC = "records.statement"
    KINDS = kinds(())

    def __init__(self) -> None:
        self.resource: Resource = {}
        self.retracted: str | None = None

    @classmethod
    def record(cls, *, id: UUID, at: datetime, resource: Resource) -> Self:
        """`at`: when it happened."""
        return cls._born(cls.KINDS[resource["resourceType"]].recorded, id=id, at=at, resource=resource)

    def amend(self, *, at: datetime, resource: Resource) -> None:
        """Nothing happens where nothing is different. Raises `Gone` after a retraction, `AnotherType`."""
        if self.retracted is not None:
            raise Gone
        if resource["resourceType"] != self.resource["resourceType"]:
            raise AnotherType
        if resource != self.resource:
            self._record(self.kind.amended, at=at, resource=resource)

    def retract(self, *, at: datetime, reason: str) -> None:
        """Raises `Gone` where it was retracted before."""
        if self.retracted is not None:
            raise Gone
        self._record(self.kind.retracted, at=at, reason=reason)

    @property
    def kind(self) -> Kind:
        return self.KINDS[self.resource["resourceType"]]

    def _fold(self, event: Event) -> None:
        match event:
            case Recorded() | Amended():
                self.resource = event.resource
            case Retracted():
                self.retracted = event.reason
            case _:
                raise TypeError(type(event).__name__)
