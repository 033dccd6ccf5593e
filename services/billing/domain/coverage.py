"""Coverage: that a payer pays for a patient, from when to when, in which order among several (FHIR R4 Coverage)."""

from datetime import date, datetime
from typing import ClassVar, Self
from uuid import UUID

from shared.kernel import Aggregate, Birth, Field, Invalid, PatientId, Refused, named_id


class AlreadyRegistered(Refused):
    """This coverage is registered already: same patient, payer, member id and beginning."""


class EndsBeforeItStarts(Invalid):
    """A coverage ends on the day it starts, or later."""


class Coverage(Aggregate):
    TOPIC = "billing.coverage"

    class Registered(Birth):
        TOPIC: ClassVar[str] = "billing.coverage.registered"
        patient: PatientId
        payer: str
        member_id: str
        start: date
        end: date | None = None
        order: int = 1

    def __init__(self) -> None:
        self.patient: PatientId | None = None
        self.start = date.max
        self.end: date | None = None
        self.order = 0

    @staticmethod
    def id_of(*, organization: str, patient: UUID, payer: str, member_id: str, start: date) -> UUID:
        """The one id of this coverage: who registers it twice is told so. A renewal starts on another day."""
        return named_id("coverage", organization, str(patient), payer.casefold(), member_id.casefold(), str(start))

    @classmethod
    def register(
        cls,
        *,
        id: UUID,
        patient: PatientId,
        payer: str,
        member_id: str,
        start: date,
        end: date | None,
        order: int,
        at: datetime,
    ) -> Self:
        if end is not None and end < start:
            raise EndsBeforeItStarts(Field("period.end", "must not be before period.start", "period"))
        return cls._born(
            cls.Registered,
            id=id,
            at=at,
            patient=patient,
            payer=payer,
            member_id=member_id,
            start=start,
            end=end,
            order=order,
        )

    def covers(self, patient: UUID, *, on: date) -> bool:
        """Whether it is this patient's and in force on that day."""
        return self.patient == patient and self.start <= on and (self.end is None or on <= self.end)

    def _fold(self, event: "Coverage.Registered") -> None:
        match event:
            case Coverage.Registered():
                self.patient = event.patient
                self.start = event.start
                self.end = event.end
                self.order = event.order
