"""The worklist: one row for each referral, with who owes the next step and by when.

A row is made of the referral and of the appointments that carry its id. Whether it is overdue is asked at the moment of
reading: it says when it is due, and that depends on events and on the table of deadlines alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.referrals.projections.deadlines import NEXT, Deadlines, Next
from shared.contracts.envelope import Contract, Envelope
from shared.contracts.referrals import (
    ReferralDrafted,
    ReferralInterimNoteReceived,
    ReferralReviewed,
    ReferralStep,
    ReferralVisitScheduled,
)
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
    AppointmentRetracted,
)
from shared.runtime.projection import Documents, Shown

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Where what is not due stands in the order: last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A referral, as far as the row shows it."""

    patient: str
    initiator: str
    recipient: str
    service: dict[str, Any]
    priority: str
    based_on: str | None
    drafted_at: datetime
    since: datetime
    status: str = "draft"
    business_status: str | None = None
    appointment: str | None = None
    start: datetime | None = None
    reviewed: bool = False

    @property
    def next(self) -> Next | None:
        return None if self.reviewed else NEXT.get(self.business_status or "draft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An appointment that carries the referral's id."""

    organization: str
    patient: str
    booked_at: datetime
    start: datetime
    end: datetime
    status: str = "booked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source's state: it is either."""

    referral: Asked | None = None
    appointment: Booked | None = None


class ReferralRow(Documents[Source]):
    """A row of the worklist, by the referral's id."""

    name = "referrals"
    hears = ("referrals", "scheduling")
    fields = {  # noqa: RUF012
        "organization": "text",
        "patient": "text",
        "parties": "texts",
        "organizations": "texts",
        "status": "texts",
        "due": "time",
        "closed": "flag",
    }
    indexes = (("due",), ("organization", "due"), ("patient", "due"))

    def __init__(self, *, due: Deadlines) -> None:
        self._due = due

    def settled(self, settings: Any) -> "ReferralRow":
        """With the deadlines that this process was given."""
        return ReferralRow(due=settings.due)

    def where(self, envelope: Envelope) -> Iterable[str]:
        match envelope.aggregate:
            case "referrals.referral":
                return (envelope.subject_id,)
            case "scheduling.appointment" if "referral" in envelope.links:
                return (envelope.links["referral"],)
            case _:
                return ()

    def fold(self, state: Source | None, contract: Contract) -> Source:
        state = state or Source()
        if contract.envelope.aggregate == "referrals.referral":
            return Source(referral=_asked(state.referral, contract))
        return Source(appointment=_booked(state.appointment, contract))

    def render(self, id: str, states: Mapping[str, Source]) -> Shown | None:
        asked = states[id].referral if id in states else None
        if asked is None:
            return None
        due_at = self._due_at(asked)
        following = asked.next
        owners = {"initiator": asked.initiator, "recipient": asked.recipient}
        return Shown(
            body={
                "id": id,
                "patient": asked.patient,
                "status": asked.status,
                "business_status": asked.business_status,
                "since": asked.since,
                "priority": asked.priority,
                "service": asked.service,
                "initiator": asked.initiator,
                "recipient": asked.recipient,
                "based_on": asked.based_on,
                "drafted_at": asked.drafted_at,
                "next": following
                and {"action": following.action, "side": following.side, "organization": owners[following.side]},
                "due_at": due_at,
                "appointment": _appointment(asked, states),
                "closed": following is None,
            },
            fields={
                "organization": asked.initiator,
                "patient": asked.patient,
                "parties": [asked.initiator] if asked.status == "draft" else [asked.initiator, asked.recipient],
                "organizations": [asked.initiator, asked.recipient],
                "status": [asked.status, asked.business_status or "draft"],
                "due": due_at or NEVER,
                "closed": following is None,
            },
        )

    def _due_at(self, asked: Asked) -> datetime | None:
        """Counted from when it came to stand where it stands; where that is a visit to come, from the visit's time."""
        if asked.next is None or asked.next.deadline is None:
            return None
        waits_for = asked.start if asked.business_status == "5.1.1" else None
        allowed = self._due.allowed(asked.next.deadline, priority=asked.priority)
        return min(max(asked.since, waits_for or asked.since), NEVER - allowed) + allowed


def _asked(state: Asked | None, contract: Contract) -> Asked | None:
    envelope = contract.envelope
    match contract:
        case ReferralDrafted():
            return Asked(
                patient=str(envelope.patient),
                initiator=contract.initiator,
                recipient=contract.recipient,
                service=contract.service.model_dump(exclude_none=True),
                priority=contract.priority,
                based_on=str(contract.based_on) if contract.based_on else None,
                drafted_at=envelope.time,
                since=envelope.time,
            )
        case ReferralStep() if state:
            return replace(
                _with_visit(state, contract),
                since=envelope.time,
                status=contract.status,
                business_status=contract.business_status,
            )
        case ReferralReviewed() if state:
            return replace(state, reviewed=True)
        case _:
            return state


def _with_visit(state: Asked, contract: ReferralStep) -> Asked:
    match contract:
        case ReferralVisitScheduled():
            pass
        case ReferralInterimNoteReceived() if contract.appointment or contract.start:
            pass
        case _:
            return state
    return replace(state, appointment=str(contract.appointment) if contract.appointment else None, start=contract.start)


def _booked(state: Booked | None, contract: Contract) -> Booked | None:
    envelope = contract.envelope
    match contract:
        case AppointmentBooked():
            return Booked(
                organization=envelope.organization,
                patient=str(envelope.patient),
                booked_at=envelope.time,
                start=contract.start,
                end=contract.end,
            )
        case AppointmentRescheduled() if state:
            return replace(state, start=contract.start, end=contract.end)
        case _ if state:
            return replace(state, status=_STATUS.get(type(contract), state.status))
        case _:
            return state


_STATUS: Mapping[type[Contract], str] = {
    AppointmentArrived: "arrived",
    AppointmentCheckedIn: "checked-in",
    AppointmentFulfilled: "fulfilled",
    AppointmentMissed: "noshow",
    AppointmentReinstated: "booked",
    AppointmentCancelled: "cancelled",
    AppointmentRetracted: "entered-in-error",
}
"""FHIR R4 Appointment.status"""


def _appointment(asked: Asked, states: Mapping[str, Source]) -> Mapping[str, Any] | None:
    """The recipient's appointment for this patient: the one that the referral names, else the one booked last.

    An appointment names a referral by itself, so those of others, or for others, are left out.
    """
    booked = {
        id: one.appointment
        for id, one in states.items()
        if one.appointment
        and one.appointment.organization == asked.recipient
        and one.appointment.patient == asked.patient
    }
    if not booked:
        return None
    last = max(booked, key=lambda id: (id == asked.appointment, booked[id].booked_at, id))
    shown = booked[last]
    return {"id": last, "status": shown.status, "start": shown.start, "end": shown.end}
