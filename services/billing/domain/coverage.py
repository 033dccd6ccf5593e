"""Coverage: that a payer pays for a patient, from when to when, in which order among several (FHIR R4 Coverage)."""

from datetime import date, datetime
from typing import ClassVar, Self

from shared.kernel import Aggregate, AggregateId, Birth, Field, Invalid, OrganizationId, PatientId, Refused, named_id


class AlreadyRegistered(Refused):
    """This coverage is registered already: same patient, payer, member id and beginning."""


class AnotherPatients(Refused):
    """The coverage is another patient's."""


class EndsBeforeItStarts(Invalid):
    """A coverage ends on the day it starts, or later."""


class Coverage(Aggregate):
    """One payer's promise for one patient."""

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
        self.registered: Coverage.Registered

    @staticmethod
    def id_of(
        *, organization: OrganizationId, patient: PatientId, payer: str, member_id: str, start: date
    ) -> AggregateId:
        """The one id of this coverage: who registers it twice is told so. A renewal starts on another day."""
        return named_id("coverage", organization, str(patient), payer.casefold(), member_id.casefold(), str(start))

    @classmethod
    def register(
        cls,
        *,
        id: AggregateId,
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

    def covers(self, patient: AggregateId, *, on: date) -> bool:
        """Whether it is this patient's and in force on that day."""
        said = self.registered
        return said.patient == patient and said.start <= on and (said.end is None or on <= said.end)

    def must_be_of(self, patient: AggregateId) -> None:
        """Raises `AnotherPatients`."""
        if self.registered.patient != patient:
            raise AnotherPatients

    def _fold(self, event: Registered) -> None:
        self.registered = event
