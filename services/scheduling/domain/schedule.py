"""A schedule: one bookable resource of an organisation, with the hours at which it can be booked."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Self
from uuid import UUID

from services.scheduling.domain.timetable import WEEKDAYS, Slot, Timetable, Window, days_between, zones
from shared.kernel import Aggregate, Birth, Event, Field, Invalid, OrganizationId, named_id

_EPOCH = date(2001, 1, 1)  # a Monday
_WEEK = timedelta(days=7)


class UnknownZone(Invalid):
    """There is no such time zone."""


class HoursOverlap(Invalid):
    """A resource is opened twice at the same time."""


class HoursTooShort(Invalid):
    """A slot does not fit."""


def schedule_id(*, organization: OrganizationId, resource: str) -> UUID:
    """A resource's name is unique within its organisation, so it makes the id."""
    return named_id("scheduling.schedule", organization, resource)


def calendar_id(*, schedule: UUID, day: date) -> UUID:
    return named_id("scheduling.calendar", str(schedule), day.isoformat())


class Schedule(Aggregate):
    """When a resource can be booked; its calendars say what of it is taken.

    A calendar is a day of the zone that the schedule was first set with: days whose borders moved with a change of zone
    would let a time be taken on two of them.
    """

    TOPIC = "scheduling.schedule"

    class Set(Birth):
        TOPIC: ClassVar[str] = "scheduling.schedule.set"
        resource: str
        hours: tuple[Window, ...]
        slot_minutes: int
        time_zone: str

    class Changed(Event):
        TOPIC: ClassVar[str] = "scheduling.schedule.changed"
        hours: tuple[Window, ...]
        slot_minutes: int
        time_zone: str

    def __init__(self) -> None:
        self.resource = ""
        self.timetable = Timetable((), 0, "UTC")
        self.days_of = "UTC"

    @classmethod
    def set(cls, *, organization: OrganizationId, resource: str, timetable: Timetable, at: datetime) -> Self:
        """Makes a resource bookable. Raises `UnknownZone`, `HoursOverlap`, `HoursTooShort`."""
        _check(timetable)
        id = schedule_id(organization=organization, resource=resource)
        return cls._born(cls.Set, id=id, at=at, resource=resource, **_facts(timetable))

    def change(self, *, timetable: Timetable, at: datetime) -> None:
        """Lets it be booked at these hours from now on; what is booked stays. Raises as `set`."""
        _check(timetable)
        if timetable != self.timetable:
            self._record(Schedule.Changed, at=at, **_facts(timetable))

    def calendars(self, time: Slot) -> Iterator[tuple[UUID, date]]:
        """The days that this time falls on: the ids of their calendars, and the days themselves."""
        for day in days_between(time.start, time.end, zone=self.days_of):
            yield calendar_id(schedule=self.id, day=day), day

    def _fold(self, event: Event) -> None:
        match event:
            case Schedule.Set():
                self.resource = event.resource
                self.timetable = Timetable(event.hours, event.slot_minutes, event.time_zone)
                self.days_of = event.time_zone
            case Schedule.Changed():
                self.timetable = Timetable(event.hours, event.slot_minutes, event.time_zone)
            case _:
                raise TypeError(type(event).__name__)


def _facts(timetable: Timetable) -> dict[str, object]:
    return {"hours": timetable.hours, "slot_minutes": timetable.slot_minutes, "time_zone": timetable.time_zone}


def _check(timetable: Timetable) -> None:
    if timetable.time_zone not in zones():
        raise UnknownZone(Field("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin", "zone"))
    _check_length(timetable)
    _check_apart(timetable.hours)


def _check_length(timetable: Timetable) -> None:
    slot = timedelta(minutes=timetable.slot_minutes)
    for place, window in enumerate(timetable.hours):
        opens, closes = window.on(_EPOCH)
        if closes - opens < slot:
            raise HoursTooShort(Field(f"hours[{place}]", "must be as long as a slot at least", "too_short"))


def _check_apart(hours: Sequence[Window]) -> None:
    """No two windows overlap, the week taken as a circle."""
    opened = sorted(
        (*window.on(_EPOCH + timedelta(days=WEEKDAYS.index(window.day))), place) for place, window in enumerate(hours)
    )
    again = [(opens + _WEEK, closes + _WEEK, place) for opens, closes, place in opened[:1]]
    for (_, closes, _), (opens, _, place) in pairwise([*opened, *again]):
        if opens < closes:
            raise HoursOverlap(Field(f"hours[{place}]", "must not overlap with others", "overlap"))
