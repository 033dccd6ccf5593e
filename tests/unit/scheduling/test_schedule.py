"""A bookable resource: its hours, who it belongs to, and the days that bookings meet on."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.scheduling.domain.schedule import HoursOverlap, HoursTooShort, Schedule, UnknownZone, schedule_id
from services.scheduling.domain.timetable import WEEKDAYS, Slot, Timetable, Window
from shared.kernel import CarelogError
from tests.support.replayed import replayed, state
from tests.support.scenario import given, said
from tests.unit.scheduling.known import HEART, NORTH, NOW, hours, slot, timetable

OFFICE = timetable()
SET = said(
    Schedule.Set,
    resource="dr-heart",
    hours=OFFICE.hours,
    slot_minutes=OFFICE.slot_minutes,
    time_zone=OFFICE.time_zone,
)


def set_to(timetable: Timetable) -> Any:
    return lambda _: Schedule.set(organization=HEART, resource="dr-heart", timetable=timetable, at=NOW)


def change_to(timetable: Timetable) -> Any:
    return lambda it: it.change(timetable=timetable, at=NOW)


def test_a_resource_is_made_bookable() -> None:
    given(Schedule).when(set_to(OFFICE)).then(SET)


def test_a_name_is_one_resource_within_an_organisation_and_another_one_elsewhere() -> None:
    first, again = (schedule_id(organization=HEART, resource="room-2") for _ in range(2))

    assert first == again
    assert first != schedule_id(organization=NORTH, resource="room-2")


def test_hours_are_changed() -> None:
    later = timetable(opens="10:00")

    given(Schedule, SET).when(change_to(later)).then(said(Schedule.Changed, hours=later.hours))


def test_hours_that_stay_as_they_are_are_no_change() -> None:
    given(Schedule, SET).when(change_to(timetable())).then_nothing()


def test_a_resource_may_have_no_hours() -> None:
    given(Schedule, SET).when(change_to(Timetable((), 30, "Europe/Berlin"))).then(said(Schedule.Changed, hours=()))


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "CEST", "", "localtime", "Factory", "../../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    given(Schedule).when(set_to(timetable(zone=zone))).then_refused(UnknownZone)
    given(Schedule, SET).when(change_to(timetable(zone=zone))).then_refused(UnknownZone)


OVERLAPPING = {
    "twice the same": (*hours("09:00", "12:00", "mon"), *hours("09:00", "12:00", "mon")),
    "one in the other": (*hours("09:00", "17:00", "tue"), *hours("12:00", "13:00", "tue")),
    "into the next": (*hours("13:00", "17:00", "mon"), *hours("09:00", "13:30", "mon")),
    "a night into the morning": (*hours("22:00", "06:00", "tue"), *hours("05:00", "09:00", "wed")),
    "the end of the week into its beginning": (*hours("00:00", "08:00", "mon"), *hours("20:00", "00:30", "sun")),
}


@pytest.mark.parametrize("windows", OVERLAPPING.values(), ids=OVERLAPPING)
def test_hours_that_overlap_are_refused(windows: tuple[Window, ...]) -> None:
    given(Schedule).when(set_to(Timetable(windows, 30, "UTC"))).then_refused(HoursOverlap)


def test_hours_that_meet_are_not_an_overlap() -> None:
    week = (*hours("09:00", "12:00", "mon"), *hours("12:00", "00:00", "mon"), *hours("00:00", "01:00", "tue"))

    given(Schedule).when(set_to(Timetable(week, 30, "UTC"))).then(said(Schedule.Set, hours=week))


def test_a_resource_may_be_open_day_and_night() -> None:
    given(Schedule).when(set_to(timetable(opens="00:00", closes="00:00"))).then(said(Schedule.Set))


def test_hours_in_which_no_slot_fits_are_refused_and_named() -> None:
    short = Timetable((*hours("09:00", "12:00", "mon"), *hours("13:00", "13:20", "mon")), 30, "UTC")
    refused = given(Schedule).when(set_to(short))

    refused.then_refused(HoursTooShort)
    assert "hours[1]" in str(refused.refusal)


def test_an_appointment_over_midnight_takes_two_days() -> None:
    night = Schedule.set(organization=HEART, resource="er", timetable=timetable(opens="20:00", closes="04:00"), at=NOW)
    days = [
        day.isoformat() for _, day in night.calendars(slot("2026-03-02T23:30:00+01:00", "2026-03-03T00:30:00+01:00"))
    ]

    assert days == ["2026-03-02", "2026-03-03"]


def test_an_appointment_up_to_midnight_takes_one_day() -> None:
    late = Schedule.set(organization=HEART, resource="er", timetable=timetable(opens="20:00", closes="00:00"), at=NOW)

    assert len(list(late.calendars(slot("2026-03-02T23:30:00+01:00", "2026-03-03T00:00:00+01:00")))) == 1


def test_another_zone_does_not_move_the_borders_of_days_on_which_times_are_taken() -> None:
    moved = Schedule.set(organization=HEART, resource="er", timetable=timetable(), at=NOW)
    evening = slot("2026-03-02T23:00:00+01:00", "2026-03-02T23:30:00+01:00")
    before = list(moved.calendars(evening))
    moved.change(timetable=timetable(zone="Asia/Kolkata", opens="00:00", closes="00:00"), at=NOW)

    assert list(moved.calendars(evening)) == before


WINDOWS = st.builds(
    Window,
    day=st.sampled_from(WEEKDAYS),
    opens=st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59])),
    closes=st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59])),
)
TIMETABLES = st.builds(
    Timetable,
    st.lists(WINDOWS, max_size=4).map(tuple),
    st.sampled_from([5, 30, 480]),
    st.sampled_from(["UTC", "Asia/Kolkata", "Mars/Olympus"]),
)


@examples(first=TIMETABLES, changes=st.lists(TIMETABLES, max_size=4))
def test_replayed_it_is_what_it_was(first: Timetable, changes: list[Timetable]) -> None:
    try:
        live = Schedule.set(organization=HEART, resource="dr-heart", timetable=first, at=NOW)
    except CarelogError:
        return
    for change in changes:
        try:
            live.change(timetable=change, at=NOW)
        except CarelogError:
            continue

    again = replayed(live)
    assert state(again) == state(live)
    evening = Slot(NOW + timedelta(hours=10), NOW + timedelta(hours=15))
    assert list(again.calendars(evening)) == list(live.calendars(evening))
