"""An appointment: a patient's time with one or several resources, and how it goes.

Statuses are those of FHIR R4 Appointment, which publishes no graph of them. This is ours: booked → arrived →
checked-in → fulfilled; booked → noshow, and back as a correction; cancelled before it is over; retracted at any time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from services.scheduling.domain.schedule import Schedule
from services.scheduling.domain.timetable import Slot
from shared.kernel import Aggregate, Birth, Event, Origin, Refused

Status = Literal["booked", "arrived", "checked-in", "fulfilled", "noshow", "cancelled", "entered-in-error"]

HOLDING: frozenset[Status] = frozenset({"booked", "arrived", "checked-in", "fulfilled"})
"""the statuses in which it has its time on the calendars"""


_NEVER = datetime.max.replace(tzinfo=UTC)


class Past(Refused):
    """This time has begun: choose a later one."""


class NotBooked(Refused):
    """This follows on a booked appointment only."""


class NotArrived(Refused):
    """The patient arrives first."""


class NotCheckedIn(Refused):
    """The patient is checked in first."""


class NotMissed(Refused):
    """It was not called missed."""


class Over(Refused):
    """It has taken place, was missed or cancelled, or should never have been recorded."""


class Retracted(Refused):
    """It was retracted before."""


class Taking(Event):
    """The time and the resources that it takes; `calendars` are the days of them, to be freed one day."""

    start: datetime
    end: datetime
    schedules: tuple[UUID, ...]
    resources: tuple[str, ...]
    calendars: tuple[UUID, ...]
    time_zone: str


class Appointment(Aggregate):
    """One patient's; whose it is and which referral wanted it stand in its birth."""

    TOPIC = "scheduling.appointment"

    class Booked(Taking, Birth):
        TOPIC: ClassVar[str] = "scheduling.appointment.booked"
        reason: str | None = None

    class Rescheduled(Taking):
        TOPIC: ClassVar[str] = "scheduling.appointment.rescheduled"

    class Confirmed(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.confirmed"

    class Arrived(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.arrived"

    class CheckedIn(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.checked-in"

    class Fulfilled(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.fulfilled"

    class Missed(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.missed"

    class Reinstated(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.reinstated"
        reason: str

    class Cancelled(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.cancelled"
        reason: str

    class Retracted(Event):
        TOPIC: ClassVar[str] = "scheduling.appointment.retracted"
        reason: str

    def __init__(self) -> None:
        self.status: Status = "booked"
        self.time = Slot(_NEVER, _NEVER)
        self.schedules: tuple[UUID, ...] = ()
        self.resources: tuple[str, ...] = ()
        self.calendars: tuple[UUID, ...] = ()
        self.time_zone = "UTC"
        self.reason: str | None = None
        self.confirmed = False

    @classmethod
    def book(
        cls,
        *,
        id: UUID,
        time: Slot,
        schedules: Sequence[Schedule],
        reason: str | None,
        at: datetime,
        origin: Origin = "live",
    ) -> Self:
        """Raises `Past`, but for what is taken over from another system's history."""
        if origin == "live":
            _ahead(time, at)
        return cls._born(cls.Booked, id=id, at=at, reason=reason, **_taking(time, schedules))

    def reschedule(self, *, time: Slot, schedules: Sequence[Schedule], at: datetime) -> None:
        """Takes another time, or other resources, and stays booked. Raises `NotBooked`, `Past`."""
        self._demand("booked", NotBooked)
        if (time, tuple(schedule.id for schedule in schedules)) != (self.time, self.schedules):
            _ahead(time, at)
            self._record(Appointment.Rescheduled, at=at, **_taking(time, schedules))

    def confirm(self, *, at: datetime) -> None:
        """The patient says that they will come; said again, it changes nothing. Another time is another question."""
        self._demand("booked", NotBooked)
        if not self.confirmed:
            self._record(Appointment.Confirmed, at=at)

    def arrive(self, *, at: datetime) -> None:
        self._demand("booked", NotBooked)
        self._record(Appointment.Arrived, at=at)

    def check_in(self, *, at: datetime) -> None:
        self._demand("arrived", NotArrived)
        self._record(Appointment.CheckedIn, at=at)

    def fulfil(self, *, at: datetime) -> None:
        self._demand("checked-in", NotCheckedIn)
        self._record(Appointment.Fulfilled, at=at)

    def miss(self, *, at: datetime) -> None:
        """The patient did not come; its time is to be freed."""
        self._demand("booked", NotBooked)
        self._record(Appointment.Missed, at=at)

    def reinstate(self, *, reason: str, at: datetime) -> None:
        """It was not missed after all: a correction. Its time is to be taken again."""
        self._demand("noshow", NotMissed)
        self._record(Appointment.Reinstated, at=at, reason=reason)

    def cancel(self, *, reason: str, at: datetime) -> None:
        """It will not take place; its time is to be freed."""
        if self.status not in ("booked", "arrived", "checked-in"):
            raise Over
        self._record(Appointment.Cancelled, at=at, reason=reason)

    def retract(self, *, reason: str, at: datetime) -> None:
        """It should never have been recorded; what it has of the calendars is to be freed."""
        if self.status == "entered-in-error":
            raise Retracted
        self._record(Appointment.Retracted, at=at, reason=reason)

    @property
    def holds(self) -> bool:
        """Whether it has its time on the calendars."""
        return self.status in HOLDING

    def _demand(self, status: Status, otherwise: type[Refused]) -> None:
        if self.status != status:
            raise otherwise

    def _fold(self, event: Event) -> None:
        match event:
            case Taking():
                self._take(event)
            case Appointment.Confirmed():
                self.confirmed = True
            case Appointment.Arrived():
                self.status = "arrived"
            case Appointment.CheckedIn():
                self.status = "checked-in"
            case Appointment.Fulfilled():
                self.status = "fulfilled"
            case Appointment.Missed():
                self.status = "noshow"
            case Appointment.Reinstated():
                self.status = "booked"
            case Appointment.Cancelled():
                self.status = "cancelled"
            case Appointment.Retracted():
                self.status = "entered-in-error"
            case _:
                raise TypeError(type(event).__name__)

    def _take(self, event: Taking) -> None:
        self.time = Slot(event.start, event.end)
        self.schedules = event.schedules
        self.resources = event.resources
        self.calendars = event.calendars
        self.time_zone = event.time_zone
        self.confirmed = False
        if isinstance(event, Appointment.Booked):
            self.reason = event.reason


def _ahead(time: Slot, at: datetime) -> None:
    if time.start < at:
        raise Past


def _taking(time: Slot, schedules: Sequence[Schedule]) -> dict[str, Any]:
    return {
        "start": time.start,
        "end": time.end,
        "schedules": tuple(schedule.id for schedule in schedules),
        "resources": tuple(schedule.resource for schedule in schedules),
        "calendars": tuple(id for schedule in schedules for id, _ in schedule.calendars(time)),
        "time_zone": schedules[0].timetable.time_zone,
    }
