"""Several resources at once: the times that all of them have, and what of those is free."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.offers import NoSuchSlot, free_slots, offered
from services.scheduling.domain.schedule import Schedule
from services.scheduling.domain.timetable import Slot, period
from tests.unit.scheduling.known import NINE, NOW, VISIT, schedule, slot, time

MONDAY = date(2026, 3, 2)


def free(*schedules: Schedule, taken: Any = (), first: date = MONDAY, last: date = MONDAY) -> list[str]:
    """What is free, as `09:00-09:30`. `taken`: pairs of a schedule and a time."""
    calendars: dict[Any, Calendar] = {}
    for whose, when in taken:
        for id, day in whose.calendars(when):
            calendars.setdefault(id, Calendar.open(schedule=whose.id, day=day, at=NOW))
            calendars[id].take(appointment=VISIT, time=when, at=NOW)
    asked = period(first, last, zone=schedules[0].timetable.time_zone)
    found = free_slots(schedules, calendars, since=asked.start, until=asked.end)
    return [f"{slot.start:%H:%M}-{slot.end:%H:%M}" for slot in found]


def test_one_slot_is_offered_where_no_end_is_said() -> None:
    assert offered([schedule()], start=NINE.start, end=None) == NINE


def test_several_slots_that_follow_one_another_are_offered() -> None:
    morning = slot("2026-03-02T09:00:00+01:00", "2026-03-02T12:00:00+01:00")

    assert offered([schedule()], start=morning.start, end=morning.end) == morning


def test_a_time_is_told_by_the_clocks_of_the_resource() -> None:
    told = offered([schedule()], start=time("2026-03-02T08:00:00Z"), end=time("2026-03-02T08:30:00Z"))

    assert told.start.isoformat() == "2026-03-02T09:00:00+01:00"
    assert told.end.isoformat() == "2026-03-02T09:30:00+01:00"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-02T09:15:00+01:00", "2026-03-02T09:45:00+01:00"),
        ("2026-03-02T09:00:00+01:00", "2026-03-02T09:45:00+01:00"),
        ("2026-03-02T08:30:00+01:00", "2026-03-02T09:00:00+01:00"),
        ("2026-03-02T16:30:00+01:00", "2026-03-02T17:30:00+01:00"),
        ("2026-03-02T09:30:00+01:00", "2026-03-02T09:00:00+01:00"),
        ("2026-03-02T09:00:00+01:00", "2026-03-02T09:00:00+01:00"),
        ("2026-03-02T16:30:00+01:00", "2026-03-03T09:30:00+01:00"),
        ("2026-03-02T09:00:00.000001+01:00", "2026-03-02T09:30:00+01:00"),
    ],
)
def test_a_time_beside_the_slots_is_refused(start: str, end: str) -> None:
    with pytest.raises(NoSuchSlot):
        offered([schedule()], start=time(start), end=time(end))


def test_a_time_that_a_gap_leaves_out_is_told_as_the_clocks_show_it() -> None:
    night = schedule("er", opens="00:00", closes="00:00")

    told = offered([night], start=time("2026-03-29T02:30:00+01:00"), end=None)
    assert told.start.isoformat() == "2026-03-29T03:30:00+02:00"


def test_both_hours_of_an_overlap_are_offered_apart() -> None:
    night = schedule("er", opens="00:00", closes="00:00", minutes=60)
    first = offered([night], start=time("2026-10-25T02:00:00+02:00"), end=None)
    second = offered([night], start=time("2026-10-25T02:00:00+01:00"), end=None)

    assert first.end == second.start


def test_resources_whose_slots_differ_in_length_share_the_shortest_common_time() -> None:
    doctor, theatre = schedule("dr-heart", minutes=30), schedule("theatre", minutes=90)

    assert offered([doctor, theatre], start=NINE.start, end=None).end == NINE.start + timedelta(minutes=90)
    assert free(doctor, theatre) == free(theatre, doctor)
    assert free(doctor, theatre)[:2] == ["09:00-10:30", "10:30-12:00"]


def test_resources_in_two_zones_share_what_is_the_same_instant() -> None:
    here, there = schedule("dr-heart"), schedule("dr-far", zone="America/New_York")

    assert free(here, there) == ["15:00-15:30", "15:30-16:00", "16:00-16:30", "16:30-17:00"]


def test_resources_that_are_never_open_together_share_nothing() -> None:
    assert free(schedule("dr-heart", closes="12:00"), schedule("room-2", opens="13:00")) == []


def test_what_is_taken_of_one_resource_is_not_free_of_both() -> None:
    doctor, room = schedule("dr-heart", closes="10:30"), schedule("room-2", closes="10:30")

    assert free(doctor, room) == ["09:00-09:30", "09:30-10:00", "10:00-10:30"]
    assert free(doctor, room, taken=[(room, NINE)]) == ["09:30-10:00", "10:00-10:30"]
    assert free(doctor, taken=[(room, NINE)]) == ["09:00-09:30", "09:30-10:00", "10:00-10:30"]


def test_what_was_booked_before_the_hours_changed_still_takes_its_time() -> None:
    changed = schedule("dr-heart", opens="09:15", closes="10:15")

    assert free(changed, taken=[(changed, NINE)]) == ["09:45-10:15"]


def test_one_over_midnight_takes_the_slots_of_both_days() -> None:
    night = schedule("er", opens="23:00", closes="01:00")
    over = slot("2026-03-02T23:30:00+01:00", "2026-03-03T00:30:00+01:00")

    assert free(night, taken=[(night, over)], last=MONDAY + timedelta(days=1)) == [
        "00:00-00:30", "00:30-01:00", "23:00-23:30", "00:30-01:00", "23:00-23:30", "23:30-00:00",
    ]  # fmt: skip


@settings(deadline=None, max_examples=60)
@examples(
    minutes=st.lists(st.sampled_from([15, 20, 30, 45, 60]), min_size=1, max_size=3),
    zones=st.lists(st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]), min_size=3, max_size=3),
    taken=st.lists(st.integers(0, 95), max_size=5, unique=True),
    day=st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2026, 10, 4), MONDAY]),
)
def test_whatever_is_told_to_be_free_can_be_taken(minutes: Any, zones: Any, taken: Any, day: date) -> None:
    schedules = [
        schedule(f"room-{number}", minutes=length, zone=zone, opens="00:00", closes="00:00")
        for number, (length, zone) in enumerate(zip(minutes, zones, strict=False))
    ]
    asked = period(day, day, zone="UTC")
    claims = [
        Slot(asked.start + n * timedelta(minutes=15), asked.start + (n + 1) * timedelta(minutes=15)) for n in taken
    ]
    calendars: dict[Any, Calendar] = {}
    for claim in claims:
        for id, on in schedules[0].calendars(claim):
            calendars.setdefault(id, Calendar.open(schedule=schedules[0].id, day=on, at=NOW))
            calendars[id].take(appointment=VISIT, time=claim, at=NOW)

    found = list(free_slots(schedules, calendars, since=asked.start, until=asked.end))

    assert all(one.start < two.start for one, two in pairwise(found))
    for one in found:
        assert offered(schedules, start=one.start, end=one.end) == one
        assert not any(claim.start < one.end and one.start < claim.end for claim in claims)
