"""When a resource can be booked: weekly hours by the clocks of a time zone, cut into slots.

Hours are what clocks show, so a slot in a daylight-saving gap does not exist and one in an overlap exists twice. A slot
lasts its minutes as time passes, whatever the clocks do meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from typing import Literal, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

LONGEST = timedelta(hours=24)
"""how long one appointment may be"""

_DAY = timedelta(days=1)
_MOMENT = timedelta.resolution
_NOT_PLACES = frozenset({"Factory", "localtime"})


class Slot(NamedTuple):
    """From `start` up to, not including, `end`: instants with the offset that clocks have there then."""

    start: datetime
    end: datetime


class Window(BaseModel):
    """Open on one day of each week, from `opens` to `closes` (`09:00`); not after `opens`: on the day after."""

    model_config = ConfigDict(frozen=True)

    day: Weekday
    opens: str
    closes: str

    def on(self, day: date) -> tuple[datetime, datetime]:
        """What clocks show when it opens on this day and when it closes."""
        opens = datetime.combine(day, time.fromisoformat(self.opens))
        closes = datetime.combine(day, time.fromisoformat(self.closes))
        return opens, closes if closes > opens else closes + _DAY


@dataclass(frozen=True)
class Timetable:
    """Weekly hours in slots."""

    hours: tuple[Window, ...]
    slot_minutes: int
    time_zone: str
    _days: dict[date, Mapping[datetime, Slot]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def slots(self, *, since: datetime, until: datetime) -> Iterator[Slot]:
        """The slots that begin from `since` up to, not including, `until`, in order."""
        for day in days_between(since, until, zone=self.time_zone):
            yield from (slot for slot in self._slots_of(day).values() if since <= slot.start < until)

    def ends(self, start: datetime) -> Iterator[datetime]:
        """Where an appointment from `start` may end: after one slot, after the one that follows at once, and so on."""
        until, start = start + LONGEST, local(start, zone=self.time_zone)
        while (slot := self._slots_of(start.date()).get(start)) and slot.end <= until:
            yield slot.end
            start = slot.end

    def _slots_of(self, day: date) -> Mapping[datetime, Slot]:
        """The slots that begin on this day, by their start."""
        if day not in self._days:
            self._days[day] = {slot.start: slot for slot in sorted(self._made(day)) if slot.start.date() == day}
        return self._days[day]

    def _made(self, day: date) -> Iterator[Slot]:
        """Of the hours that open on it, and of those that opened on the day before and go on past midnight."""
        for opened in (day - _DAY, day):
            for window in self.hours:
                opens, closes = window.on(opened)
                if window.day == WEEKDAYS[opened.weekday()] and closes > datetime.combine(day, time()):
                    yield from self._cut(opens, closes)

    def _cut(self, opens: datetime, closes: datetime) -> Iterable[Slot]:
        """The slots between two readings of the clocks."""
        length = timedelta(minutes=self.slot_minutes)
        shown = [opens + number * length for number in range((closes - opens) // length)]
        if steady := _steady(opens, closes, zone=self.time_zone):
            return [Slot(start.replace(tzinfo=steady), (start + length).replace(tzinfo=steady)) for start in shown]
        starts = [start for reading in shown for start in instants(reading, zone=self.time_zone)]
        slots = [Slot(start, local(start + length, zone=self.time_zone)) for start in starts]
        # Their last moment has to be within, not their end: a slot up to a gap ends when clocks show a later hour.
        return [slot for slot in slots if self._shown(slot.end - _MOMENT) < closes]

    def _shown(self, instant: datetime) -> datetime:
        return local(instant, zone=self.time_zone).replace(tzinfo=None)


def instants(shown: datetime, *, zone: str) -> tuple[datetime, ...]:
    """When the clocks of a zone show this: once; never, in a gap; twice, in an overlap (PEP 495)."""
    first, second = (_offset(shown.replace(tzinfo=ZoneInfo(zone), fold=fold)) for fold in (0, 1))
    if first < second:
        return ()
    return tuple(shown.replace(tzinfo=timezone(offset)) for offset in dict.fromkeys((first, second)))


def _steady(opens: datetime, closes: datetime, *, zone: str) -> tzinfo | None:
    """The offset of the clocks from one reading to the other, if they do not change in between."""
    offsets = {start.tzinfo for reading in (opens, closes) for start in instants(reading, zone=zone) or (reading,)}
    return offsets.pop() if len(offsets) == 1 else None


def local(instant: datetime, *, zone: str) -> datetime:
    """The same instant with the offset of the zone's clocks then.

    The offset is fixed: Python never finds a time in an overlap equal to one of another zone while it has a `ZoneInfo`.
    """
    there = instant.astimezone(ZoneInfo(zone))
    return there.replace(tzinfo=timezone(_offset(there)), fold=0)


def _offset(aware: datetime) -> timedelta:
    return cast(timedelta, aware.utcoffset())


def days_between(start: datetime, end: datetime, *, zone: str) -> Iterator[date]:
    """The days of a zone that some part of this time falls on."""
    day, last = local(start, zone=zone).date(), local(max(start, end - _MOMENT), zone=zone).date()
    while day <= last:
        yield day
        day += _DAY


def period(since: date, until: date, *, zone: str) -> Slot:
    """From one instant to another. A day without a time is the whole day there: from its midnight, or to its end."""
    begins = since if isinstance(since, datetime) else _midnight(since, zone)
    ends = until if isinstance(until, datetime) else _midnight(until + _DAY, zone)
    return Slot(local(begins, zone=zone), local(ends, zone=zone))


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


@cache
def zones() -> frozenset[str]:
    """The names of time zones that the IANA database has here."""
    return frozenset(available_timezones() - _NOT_PLACES)
