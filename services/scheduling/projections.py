"""What scheduling shows: the appointments, to be found by patient, resource, day and status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from shared.contracts.envelope import Contract, Envelope
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentConfirmed,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
    AppointmentRetracted,
)
from shared.runtime.documents.port import Kind
from shared.runtime.projection import Documents, Shown


@dataclass(frozen=True)
class AppointmentState:
    patient: str
    organization: str
    referral: str | None
    status: str = ""
    start: str = ""
    end: str = ""
    schedules: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    time_zone: str = ""
    confirmed: bool = False


class AppointmentRow(Documents[AppointmentState]):
    """An appointment, found by the days that it takes time of, by the clocks of its first resource."""

    name = "appointments"
    hears = ("scheduling",)
    fields: ClassVar[Mapping[str, Kind]] = {
        "patient": "text",
        "organization": "text",
        "status": "text",
        "schedules": "texts",
        "days": "texts",
        "start": "time",
    }
    indexes: ClassVar[Sequence[Sequence[str]]] = (
        ("patient", "start"),
        ("organization", "start"),
        ("organization", "status", "start"),
    )

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate == "scheduling.appointment" else ()

    def fold(self, state: AppointmentState | None, contract: Contract) -> AppointmentState:
        envelope = contract.envelope
        known = state or AppointmentState(str(envelope.patient), envelope.organization, envelope.links.get("referral"))
        match contract:
            case AppointmentBooked() | AppointmentRescheduled():
                return _taking(known, contract)
            case AppointmentReinstated():
                return replace(known, status="booked")
            case AppointmentConfirmed():
                return replace(known, confirmed=True)
            case AppointmentArrived():
                return replace(known, status="arrived")
            case AppointmentCheckedIn():
                return replace(known, status="checked-in")
            case AppointmentFulfilled():
                return replace(known, status="fulfilled")
            case AppointmentMissed():
                return replace(known, status="noshow")
            case AppointmentCancelled():
                return replace(known, status="cancelled")
            case AppointmentRetracted():
                return replace(known, status="entered-in-error")
            case _:
                return known

    def render(self, id: str, states: Mapping[str, AppointmentState]) -> Shown | None:
        appointment = states[id]
        found_by = {
            "patient": appointment.patient,
            "organization": appointment.organization,
            "status": appointment.status,
            "schedules": appointment.schedules,
        }
        start, end = datetime.fromisoformat(appointment.start), datetime.fromisoformat(appointment.end)
        return Shown(
            body={
                **found_by,
                "id": id,
                "start": appointment.start,
                "end": appointment.end,
                "resources": appointment.resources,
                "time_zone": appointment.time_zone,
                "referral": appointment.referral,
                "confirmed": appointment.confirmed,
            },
            fields={**found_by, "days": _days(start, end), "start": start},
        )


def _taking(state: AppointmentState, taking: AppointmentBooked | AppointmentRescheduled) -> AppointmentState:
    return replace(
        state,
        status="booked",
        start=taking.start.isoformat(),
        end=taking.end.isoformat(),
        schedules=tuple(str(id) for id in taking.schedules),
        resources=taking.resources,
        time_zone=taking.time_zone,
        confirmed=False,
    )


def _days(start: datetime, end: datetime) -> Sequence[str]:
    """The days that some part of it falls on. Its instants carry the offsets of clocks there, so no zone is asked."""
    first, last = start.date(), (end - timedelta.resolution).date()
    return [(first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1)]
