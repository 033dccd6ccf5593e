"""What appointments say on scheduling's topic, and the contracts of a referral that walks through the loop."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.referrals.domain.referral import Referral
from services.referrals.domain.visits import Visit
from services.referrals.service import service
from shared.contracts.envelope import Contract, Envelope
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
)
from shared.kernel import named_id
from tests.support.scenario import SOME_ID, SOME_TIME
from tests.support.topics import told
from tests.unit.referrals.known import HEART, NORTH, VISIT, VISIT_START, WISH

PATIENT = UUID("00000000-0000-7000-8000-000000000007")
LATER_START = VISIT_START + timedelta(days=1)


def hours(number: float) -> datetime:
    """So many hours after some time."""
    return SOME_TIME + timedelta(hours=number)


def appointment(
    *contracts: Contract,
    id: UUID = VISIT,
    referral: UUID | None = SOME_ID,
    organization: str = HEART,
    patient: UUID = PATIENT,
) -> list[Contract]:
    """An appointment's contracts in their envelopes, in order."""
    command = named_id("command", str(id))
    return [
        contract.within(
            Envelope(
                id=f"{id}.{sequence}",
                type=contract.TYPE,
                source="/carelog/scheduling",
                subject=id,
                time=hours(sequence),
                recordedtime=hours(sequence),
                sequence=sequence,
                position=f"1.{sequence}",
                key=str(patient),
                organization=organization,
                actor="a scheduler",
                role="scheduler",
                purpose="TREAT",
                commandid=command,
                correlationid=command,
                patient=patient,
                links={"referral": str(referral)} if referral else {},
            )
        )
        for sequence, contract in enumerate(contracts, start=1)
    ]


def booked(start: datetime = VISIT_START) -> AppointmentBooked:
    return AppointmentBooked(**_time(start))


def rescheduled(start: datetime = LATER_START) -> AppointmentRescheduled:
    return AppointmentRescheduled(**_time(start))


def _time(start: datetime) -> dict[str, Any]:
    return {
        "start": start,
        "end": start + timedelta(minutes=30),
        "schedules": (UUID(int=3),),
        "resources": ("dr-lee",),
        "time_zone": "Europe/Berlin",
    }


def missed() -> AppointmentMissed:
    return AppointmentMissed()


def reinstated() -> AppointmentReinstated:
    return AppointmentReinstated(reason="She sat in the wrong room.")


def cancelled() -> AppointmentCancelled:
    return AppointmentCancelled(reason="The machine is broken.")


def arrived() -> AppointmentArrived:
    return AppointmentArrived()


def drafted(*, id: UUID = SOME_ID, priority: str = "routine", at: datetime = SOME_TIME) -> Referral:
    return Referral.draft(id=id, at=at, **{**WISH, "priority": priority})


def walked(*, id: UUID = SOME_ID) -> Referral:
    """A referral from draft to review, by way of a missed, a cancelled and a moved visit, a step each hour."""
    it = drafted(id=id)
    it.send(by=NORTH, at=hours(1))
    it.accept(by=HEART, at=hours(2))
    it.schedule(by=HEART, at=hours(3), visit=Visit(appointment=VISIT, start=VISIT_START, sequence=1))
    it.no_show(by=HEART, at=hours(4), visit=Visit(appointment=VISIT, sequence=2))
    it.cancel_visit(by=HEART, at=hours(5), reason="The machine is broken.")
    it.schedule(by=HEART, at=hours(6), visit=Visit(start=LATER_START))
    it.interim_note(by=HEART, at=hours(7), note="Seen.", references=("DocumentReference/1",))
    it.request_cancellation(by=NORTH, at=hours(8), reason="The patient has moved.")
    it.give_outcome(by=HEART, at=hours(9), note="No stenosis.", references=("DiagnosticReport/1",))
    it.review(by=NORTH, at=hours(10), note="Read.")
    return it


def on_topic(referral: Referral) -> list[Contract]:
    """The referral's contracts, as the relay makes them."""
    return told(service, referral, patient=PATIENT)
