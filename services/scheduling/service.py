"""Scheduling, put together: what it publishes, shows, answers to, and its doors."""

from typing import TYPE_CHECKING

from services.scheduling.api import router
from services.scheduling.commands import Commands
from services.scheduling.domain.appointment import Appointment
from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.schedule import Schedule
from services.scheduling.projections import AppointmentRow
from services.scheduling.queries import Queries
from services.scheduling.reactions import fulfil_appointment
from shared.contracts.records import EncounterFinished
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
    CalendarFreed,
    CalendarOpened,
    CalendarTaken,
    ScheduleChanged,
    ScheduleSet,
)
from shared.runtime.service import Published, Reaction, Service

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


def parts(runtime: "Runtime") -> tuple[Commands, Queries]:
    return Commands(log=runtime.log), Queries(documents=runtime.reader)


service = Service(
    name="scheduling",
    title="Carelog scheduling",
    aggregates=(Schedule, Calendar, Appointment),
    publishes=(
        Published(Schedule.Set, ScheduleSet),
        Published(Schedule.Changed, ScheduleChanged),
        Published(Calendar.Opened, CalendarOpened),
        Published(Calendar.Taken, CalendarTaken),
        Published(Calendar.Freed, CalendarFreed),
        Published(Appointment.Booked, AppointmentBooked),
        Published(Appointment.Rescheduled, AppointmentRescheduled),
        Published(Appointment.Confirmed, AppointmentConfirmed),
        Published(Appointment.Arrived, AppointmentArrived),
        Published(Appointment.CheckedIn, AppointmentCheckedIn),
        Published(Appointment.Fulfilled, AppointmentFulfilled),
        Published(Appointment.Missed, AppointmentMissed),
        Published(Appointment.Reinstated, AppointmentReinstated),
        Published(Appointment.Cancelled, AppointmentCancelled),
        Published(Appointment.Retracted, AppointmentRetracted),
    ),
    projections=(AppointmentRow(),),
    reactions=(Reaction(EncounterFinished, fulfil_appointment, action="appointment.change"),),
    routers=(router,),
    parts=parts,
)
