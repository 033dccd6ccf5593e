"""Several schedules together: the times at which all of them can be booked, and which of those are free."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from uuid import UUID

from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.schedule import Schedule
from services.scheduling.domain.timetable import Slot, local
from shared.kernel import Refused


class NoSuchSlot(Refused):
    """No slot of all these schedules begins and ends then: ask for the free ones."""


def offered(schedules: Sequence[Schedule], *, start: datetime, end: datetime | None) -> Slot:
    """The time from `start` to `end`, with the offsets of the first schedule's clocks. Raises `NoSuchSlot`.

    Each schedule has to have slots that follow one another from the one to the other. Without an end: the shortest
    such time, which for schedules with slots alike is one slot.
    """
    ends = reduce(_common, (schedule.timetable.ends(start) for schedule in schedules))
    found = next((one for one in ends if end in (None, one)), None)
    if found is None:
        raise NoSuchSlot
    zone = schedules[0].timetable.time_zone
    return Slot(local(start, zone=zone), local(found, zone=zone))


def free_slots(
    schedules: Sequence[Schedule], calendars: Mapping[UUID, Calendar], *, since: datetime, until: datetime
) -> Iterator[Slot]:
    """What begins from `since` up to, not including, `until` and can be booked of all the schedules at once."""
    for begins, _ in schedules[0].timetable.slots(since=since, until=until):
        try:
            slot = offered(schedules, start=begins, end=None)
        except NoSuchSlot:
            continue
        if all(_is_free(schedule, calendars, slot) for schedule in schedules):
            yield slot


def _common(left: Iterator[datetime], right: Iterator[datetime]) -> Iterator[datetime]:
    """What two ascending series have in common."""
    ahead = next(right, None)
    for one in left:
        while ahead is not None and ahead < one:
            ahead = next(right, None)
        if ahead is None:
            return
        if ahead == one:
            yield one


def _is_free(schedule: Schedule, calendars: Mapping[UUID, Calendar], slot: Slot) -> bool:
    days = (calendars.get(id) for id, _ in schedule.calendars(slot))
    return all(calendar.is_free(slot) for calendar in days if calendar)
