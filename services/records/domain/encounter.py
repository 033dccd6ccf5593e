"""Encounter: a visit and its life cycle. FHIR publishes the states and no graph; the graph here is ours.

planned → arrived → triaged → in-progress (steps may be skipped forward), in-progress ↔ onleave, in-progress | onleave
→ finished, planned | arrived | triaged → cancelled, any → entered-in-error.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from services.records.domain.fhir import Resource
from shared.kernel import Aggregate, Birth, Event, Gone, Origin, Refused

NEXT: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"arrived", "triaged", "in-progress", "cancelled"}),
    "arrived": frozenset({"triaged", "in-progress", "cancelled"}),
    "triaged": frozenset({"in-progress", "cancelled"}),
    "in-progress": frozenset({"onleave", "finished"}),
    "onleave": frozenset({"in-progress", "finished"}),
    "finished": frozenset(),
    "cancelled": frozenset(),
    "unknown": frozenset({"planned", "arrived", "triaged", "in-progress", "finished", "cancelled"}),
    "entered-in-error": frozenset(),
}
"""where each state may lead; every state but the last may also turn out to be entered in error"""

_LIVE = frozenset({"planned", "arrived", "triaged", "in-progress", "finished"})


class NotBornSo(Refused):
    """A visit begins as planned, arrived, triaged or in-progress, or is told when it is finished."""


class NotNext(Refused):
    """The visit cannot come to this state from where it is."""


class Encounter(Aggregate):
    """A patient's visit."""

    TOPIC = "records.encounter"

    class Recorded(Birth):
        TOPIC: ClassVar[str] = "records.encounter.recorded"

        status: str
        resource: Resource

    class Moved(Event):
        """The visit came to another state; the base of the events that say which."""

        TOPIC: ClassVar[str] = "records.encounter.moved"

        resource: Resource

    class Arrived(Moved):
        TOPIC: ClassVar[str] = "records.encounter.arrived"

    class Triaged(Moved):
        TOPIC: ClassVar[str] = "records.encounter.triaged"

    class Started(Moved):
        TOPIC: ClassVar[str] = "records.encounter.started"

    class Suspended(Moved):
        TOPIC: ClassVar[str] = "records.encounter.suspended"

    class Resumed(Moved):
        TOPIC: ClassVar[str] = "records.encounter.resumed"

    class Finished(Moved):
        TOPIC: ClassVar[str] = "records.encounter.finished"

    class Cancelled(Moved):
        TOPIC: ClassVar[str] = "records.encounter.cancelled"

    class EnteredInError(Moved):
        TOPIC: ClassVar[str] = "records.encounter.entered-in-error"

    class Amended(Event):
        TOPIC: ClassVar[str] = "records.encounter.amended"

        resource: Resource

    class Retracted(Event):
        TOPIC: ClassVar[str] = "records.encounter.retracted"

        reason: str

    def __init__(self) -> None:
        self.resource: Resource = {}
        self.retracted: str | None = None

    @property
    def status(self) -> str:
        return str(self.resource["status"])

    @classmethod
    def record(cls, *, id: UUID, at: datetime, resource: Resource, origin: Origin) -> Self:
        """Imported history may begin in any state. One that is told when it is finished is recorded, and finishes."""
        status = resource["status"]
        if origin == "live" and status not in _LIVE:
            raise NotBornSo
        encounter = cls._born(cls.Recorded, id=id, at=at, status=status, resource=resource)
        if origin == "live" and status == "finished":
            encounter._record(Encounter.Finished, at=at, resource=resource)
        return encounter

    def amend(self, *, at: datetime, resource: Resource) -> None:
        """A new state, or the same with other content. Raises `Gone`, and `NotNext` where the life cycle forbids it."""
        if self.retracted is not None:
            raise Gone
        if resource == self.resource:
            return
        status = resource["status"]
        if status == self.status:
            self._record(Encounter.Amended, at=at, resource=resource)
            return
        if status not in NEXT[self.status] and (status != "entered-in-error" or self.status == status):
            raise NotNext(
                f"A visit that is {self.status} can become: {', '.join(sorted(NEXT[self.status])) or 'nothing'}."
            )
        self._record(self._towards(status), at=at, resource=resource)

    def retract(self, *, at: datetime, reason: str) -> None:
        """Raises `Gone` where it was retracted before."""
        if self.retracted is not None:
            raise Gone
        self._record(Encounter.Retracted, at=at, reason=reason)

    def _towards(self, status: str) -> type[Event]:
        """The event that brings it there. What is unknown may turn out to have been only planned: an amendment."""
        if status == "in-progress" and self.status == "onleave":
            return Encounter.Resumed
        towards: Mapping[str, type[Event]] = {
            "arrived": Encounter.Arrived,
            "triaged": Encounter.Triaged,
            "in-progress": Encounter.Started,
            "onleave": Encounter.Suspended,
            "finished": Encounter.Finished,
            "cancelled": Encounter.Cancelled,
            "entered-in-error": Encounter.EnteredInError,
        }
        return towards.get(status, Encounter.Amended)

    def _fold(self, event: Event) -> None:
        match event:
            case Encounter.Recorded() | Encounter.Moved() | Encounter.Amended():
                self.resource = event.resource
            case Encounter.Retracted():
                self.retracted = event.reason
            case _:
                raise TypeError(type(event).__name__)
