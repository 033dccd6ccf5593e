"""What scheduling says: when resources can be booked, what of their days is taken, and how each appointment goes.

Instants carry the offset that the resource's clocks have then. Statuses are those of FHIR R4 Appointment.
"""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import Contract


class Hours(BaseModel):
    """Open on one day of each week, by the resource's clocks. `closes` not after `opens` means on the day after."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    opens: str
    """`09:00`"""
    closes: str


class ScheduleSet(Contract):
    """An organisation made something bookable: a person, a room, a device, under a `resource` name of its own choice.

    Slots of `slot_minutes` begin when the hours open; `time_zone` is an IANA name. For booking pages and planners.
    """

    TYPE = "scheduling.schedule.set.v1"

    resource: str
    hours: tuple[Hours, ...]
    slot_minutes: int
    time_zone: str


class ScheduleChanged(Contract):
    """From now on a resource can be booked at these hours. What was booked before stays."""

    TYPE = "scheduling.schedule.changed.v1"

    hours: tuple[Hours, ...]
    slot_minutes: int
    time_zone: str


class CalendarOpened(Contract):
    """The first booking of a resource on one day. What follows about this day has its own id as key, and no patient."""

    TYPE = "scheduling.calendar.opened.v1"

    schedule: UUID
    day: date


class CalendarTaken(Contract):
    """An appointment took a resource's time. One over midnight takes it on two days; each says the whole time."""

    TYPE = "scheduling.calendar.taken.v1"

    appointment: UUID
    start: datetime
    end: datetime


class CalendarFreed(Contract):
    """An appointment gave a resource's time back: it was moved, cancelled, missed or retracted."""

    TYPE = "scheduling.calendar.freed.v1"

    appointment: UUID
    start: datetime
    end: datetime


class AppointmentBooked(Contract):
    """A patient has an appointment (`booked`). Links: the `referral` that wanted it, where one did.

    `schedules` are the resources it takes and `resources` their names, in the same order; `time_zone` is that of the
    first. For whoever tells the patient, and for the referral, which moves by it.
    """

    TYPE = "scheduling.appointment.booked.v1"

    start: datetime
    end: datetime
    schedules: tuple[UUID, ...]
    resources: tuple[str, ...]
    time_zone: str
    reason: str | None = None
    """why the patient comes, in words"""


class AppointmentRescheduled(Contract):
    """It takes place at another time or with other resources, and stays `booked`. For the same readers."""

    TYPE = "scheduling.appointment.rescheduled.v1"

    start: datetime
    end: datetime
    schedules: tuple[UUID, ...]
    resources: tuple[str, ...]
    time_zone: str


class AppointmentConfirmed(Contract):
    """The patient says that they will come. It holds for this time only: a rescheduled appointment is not confirmed."""

    TYPE = "scheduling.appointment.confirmed.v1"


class AppointmentArrived(Contract):
    """The patient is here (`arrived`)."""

    TYPE = "scheduling.appointment.arrived.v1"


class AppointmentCheckedIn(Contract):
    """The desk has done its part; the encounter may begin (`checked-in`)."""

    TYPE = "scheduling.appointment.checked-in.v1"


class AppointmentFulfilled(Contract):
    """It has taken place (`fulfilled`). Final."""

    TYPE = "scheduling.appointment.fulfilled.v1"


class AppointmentMissed(Contract):
    """The patient did not come (`noshow`); its time is free again."""

    TYPE = "scheduling.appointment.missed.v1"


class AppointmentReinstated(Contract):
    """It had been called missed by mistake: a correction with its `reason`. It is `booked` again, at the same time."""

    TYPE = "scheduling.appointment.reinstated.v1"

    reason: str


class AppointmentCancelled(Contract):
    """It will not take place (`cancelled`); its time is free again. Final. `reason` in words."""

    TYPE = "scheduling.appointment.cancelled.v1"

    reason: str


class AppointmentRetracted(Contract):
    """It should never have been recorded (`entered-in-error`); its time is free again. Final. `reason` in words."""

    TYPE = "scheduling.appointment.retracted.v1"

    reason: str


PUBLISHED: tuple[type[Contract], ...] = (
    ScheduleSet,
    ScheduleChanged,
    CalendarOpened,
    CalendarTaken,
    CalendarFreed,
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentConfirmed,
    AppointmentArrived,
    AppointmentCheckedIn,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentCancelled,
    AppointmentRetracted,
)
