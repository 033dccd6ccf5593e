"""A calendar: one resource on one day, and the times of it that are taken. The thing that two bookings contend for."""

from bisect import bisect_left
from datetime import date, datetime
from typing import ClassVar, NamedTuple, Self
from uuid import UUID

from services.scheduling.domain.schedule import calendar_id
from services.scheduling.domain.timetable import Slot
from shared.kernel import Aggregate, Birth, Event, Refused

_NOBODY = UUID(int=0)


class SlotTaken(Refused):
    """Somebody else has taken this time: choose another one."""


class Claim(NamedTuple):
    """A time that an appointment has taken."""

    start: datetime
    end: datetime
    appointment: UUID


class Calendar(Aggregate):
    """What is taken. It knows appointments by their ids alone, and no patient."""

    TOPIC = "scheduling.calendar"

    class Opened(Birth):
        TOPIC: ClassVar[str] = "scheduling.calendar.opened"
        schedule: UUID
        day: date

    class Taken(Event):
        TOPIC: ClassVar[str] = "scheduling.calendar.taken"
        appointment: UUID
        start: datetime
        end: datetime

    class Freed(Event):
        TOPIC: ClassVar[str] = "scheduling.calendar.freed"
        appointment: UUID
        start: datetime
        end: datetime

    def __init__(self) -> None:
        self.schedule = _NOBODY
        self.day = date.min
        self.claims: tuple[Claim, ...] = ()

    @classmethod
    def open(cls, *, schedule: UUID, day: date, at: datetime) -> Self:
        return cls._born(cls.Opened, id=calendar_id(schedule=schedule, day=day), at=at, schedule=schedule, day=day)

    def take(self, *, appointment: UUID, time: Slot, at: datetime) -> None:
        """Gives this time to an appointment. Raises `SlotTaken`."""
        if not self.is_free(time):
            raise SlotTaken
        self._record(Calendar.Taken, at=at, appointment=appointment, start=time.start, end=time.end)

    def free(self, *, appointment: UUID, at: datetime) -> None:
        """Takes back what the appointment has here."""
        for claim in self.claims:
            if claim.appointment == appointment:
                self._record(Calendar.Freed, at=at, appointment=appointment, start=claim.start, end=claim.end)

    def is_free(self, time: Slot) -> bool:
        """Whether nothing of it is taken. Claims do not overlap, so the last that begins before its end decides."""
        before = bisect_left(self.claims, time.end, key=lambda claim: claim.start)
        return before == 0 or self.claims[before - 1].end <= time.start

    def _fold(self, event: Event) -> None:
        match event:
            case Calendar.Opened():
                self.schedule = event.schedule
                self.day = event.day
            case Calendar.Taken():
                self.claims = tuple(sorted((*self.claims, Claim(event.start, event.end, event.appointment))))
            case Calendar.Freed():
                self.claims = tuple(claim for claim in self.claims if claim.appointment != event.appointment)
            case _:
                raise TypeError(type(event).__name__)
