"""Patient: who somebody is. Its identifiers are claimed beside it, so that nobody is registered twice."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from services.records.domain.fhir import Resource
from shared.kernel import Aggregate, Birth, Event, Gone


class Patient(Aggregate):
    """A person in care, as one organisation registered them."""

    TOPIC = "records.patient"

    class Registered(Birth):
        TOPIC: ClassVar[str] = "records.patient.registered"

        resource: Resource

    class Amended(Event):
        TOPIC: ClassVar[str] = "records.patient.amended"

        resource: Resource

    class Retracted(Event):
        TOPIC: ClassVar[str] = "records.patient.retracted"

        reason: str

    def __init__(self) -> None:
        self.resource: Resource = {}
        self.retracted: str | None = None

    @classmethod
    def register(cls, *, id: UUID, at: datetime, resource: Resource) -> Self:
        return cls._born(cls.Registered, id=id, at=at, resource=resource)

    def amend(self, *, at: datetime, resource: Resource) -> None:
        """Nothing happens where nothing is different. Raises `Gone` after a retraction."""
        if self.retracted is not None:
            raise Gone
        if resource != self.resource:
            self._record(Patient.Amended, at=at, resource=resource)

    def retract(self, *, at: datetime, reason: str) -> None:
        """The registration was a mistake. Raises `Gone` where it was retracted before."""
        if self.retracted is not None:
            raise Gone
        self._record(Patient.Retracted, at=at, reason=reason)

    def _fold(self, event: Event) -> None:
        match event:
            case Patient.Registered() | Patient.Amended():
                self.resource = event.resource
            case Patient.Retracted():
                self.retracted = event.reason
            case _:
                raise TypeError(type(event).__name__)
