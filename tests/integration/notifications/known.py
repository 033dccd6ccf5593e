"""Who is known in these tests, and what other services say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.records import PatientRegistered
from shared.contracts.referrals import ReferralAccepted, ReferralDeclined, ReferralOutcomeReceived
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from tests.support.running import said

ANN = UUID("00000000-0000-7000-8000-00000000000a")
VISIT = UUID("00000000-0000-7000-8000-00000000000b")
REFERRAL = UUID("00000000-0000-7000-8000-00000000000c")
HEART = "heart-centre"
NORTH = "north-clinic"
ADDRESS = "ann.canary@example.org"
PREFERENCES: dict[str, Any] = {"email": ADDRESS, "language": "de"}

_TIME: dict[str, Any] = {
    "start": datetime.fromisoformat("2026-04-07T09:30:00+02:00"),
    "end": datetime.fromisoformat("2026-04-07T10:00:00+02:00"),
    "schedules": (UUID(int=1),),
    "resources": ("dr-heart",),
    "time_zone": "Europe/Berlin",
}
_STEP: dict[str, Any] = {"status": "accepted", "business_status": "3.0", "transition": "02"}


def registered(by: str) -> Contract:
    return said(PatientRegistered(resource={"resourceType": "Patient"}), subject=ANN, patient=ANN, organization=by)


def booked(*, version: int = 1, patient: UUID | None = ANN, origin: str = "live") -> Contract:
    return _of_visit(AppointmentBooked(**_TIME, reason="Chest pain"), version=version, patient=patient, origin=origin)


def moved() -> Contract:
    return _of_visit(AppointmentRescheduled(**_TIME), version=2)


def cancelled() -> Contract:
    return _of_visit(AppointmentCancelled(reason="Chest pain is gone"), version=3)


def _of_visit(contract: Contract, *, version: int, patient: UUID | None = ANN, origin: str = "live") -> Contract:
    links = {"referral": str(REFERRAL)}
    return said(
        contract, subject=VISIT, organization=HEART, patient=patient, version=version, links=links, origin=origin
    )


def accepted() -> Contract:
    return said(ReferralAccepted(**_STEP), subject=REFERRAL, organization=HEART, patient=ANN, version=3)


def declined() -> Contract:
    contract = ReferralDeclined(**_STEP, reason="Chest pain is not for us")
    return said(contract, subject=REFERRAL, organization=HEART, patient=ANN, version=4)


def outcome() -> Contract:
    contract = ReferralOutcomeReceived(**_STEP, note="Chest pain explained")
    return said(contract, subject=REFERRAL, organization=HEART, patient=ANN, version=5)


REASONS_TO_TELL = {
    "appointment-booked": booked,
    "appointment-moved": moved,
    "appointment-cancelled": cancelled,
    "referral-accepted": accepted,
    "referral-declined": declined,
    "referral-outcome": outcome,
}
