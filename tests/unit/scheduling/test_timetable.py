"""Weekly hours in slots: by the clocks of a zone, through the nights when they are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.scheduling.domain.timetable import LONGEST, Timetable, days_between, instants, local, period, zones
from tests.unit.scheduling.known import hours, time, timetable

SPRING = {
    "Europe/Berlin": date(2026, 3, 29),
    "America/New_York": date(2026, 3, 8),
    "Australia/Lord_Howe": date(2026, 10, 4),
}
AUTUMN = {
    "Europe/Berlin": date(2026, 10, 25),
    "America/New_York": date(2026, 11, 1),
    "Australia/Lord_Howe": date(2026, 4, 5),
}
BEIRUT, CAIRO = "Asia/Beirut", "Africa/Cairo"


def shown(table: Timetable, day: date) -> list[str]:
    """The slots of a day as `01:30+01:00`."""
    asked = period(day, day, zone=table.time_zone)
    return [
        slot.start.strftime("%H:%M") + slot.start.isoformat()[-6:]
        for slot in table.slots(since=asked.start, until=asked.end)
    ]


def around_the_clock(zone: str, minutes: int) -> Timetable:
    return timetable(zone=zone, minutes=minutes, opens="00:00", closes="00:00")


def test_slots_begin_when_the_hours_open_and_the_last_one_ends_before_they_close() -> None:
    table = Timetable((*hours("09:00", "10:15", "mon"), *hours("14:10", "15:10", "mon")), 30, "Europe/Berlin")

    assert shown(table, date(2026, 3, 2)) == ["09:00+01:00", "09:30+01:00", "14:10+01:00", "14:40+01:00"]


def test_there_are_no_slots_on_other_days_of_the_week() -> None:
    assert shown(Timetable(hours("09:00", "17:00", "mon", "fri"), 30, "UTC"), date(2026, 3, 3)) == []


def test_hours_that_close_before_they_open_close_on_the_day_after() -> None:
    table = Timetable(hours("23:00", "01:00", "mon"), 30, "Europe/Berlin")

    assert shown(table, date(2026, 3, 2)) == ["23:00+01:00", "23:30+01:00"]
    assert shown(table, date(2026, 3, 3)) == ["00:00+01:00", "00:30+01:00"]
    assert shown(table, date(2026, 3, 4)) == []


def test_a_slot_in_a_gap_does_not_exist_in_berlin() -> None:
    night = Timetable(hours("01:00", "04:00"), 30, "Europe/Berlin")

    assert shown(night, SPRING["Europe/Berlin"]) == ["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"]


def test_a_slot_in_an_overlap_exists_twice_in_berlin() -> None:
    night = Timetable(hours("01:30", "03:30"), 30, "Europe/Berlin")

    assert shown(night, AUTUMN["Europe/Berlin"]) == [
        "01:30+02:00", "02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00",
    ]  # fmt: skip


def test_a_slot_in_a_gap_does_not_exist_in_new_york() -> None:
    night = Timetable(hours("01:00", "04:00"), 60, "America/New_York")

    assert shown(night, SPRING["America/New_York"]) == ["01:00-05:00", "03:00-04:00"]


def test_a_slot_in_an_overlap_exists_twice_in_new_york() -> None:
    night = Timetable(hours("00:00", "03:00"), 60, "America/New_York")

    assert shown(night, AUTUMN["America/New_York"]) == ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00"]


def test_on_lord_howe_the_clocks_are_changed_by_half_an_hour() -> None:
    night = Timetable(hours("01:00", "03:00"), 30, "Australia/Lord_Howe")

    assert shown(night, SPRING["Australia/Lord_Howe"]) == ["01:00+10:30", "01:30+10:30", "02:30+11:00"]
    assert shown(night, AUTUMN["Australia/Lord_Howe"]) == [
        "01:00+11:00", "01:30+11:00", "01:30+10:30", "02:00+10:30", "02:30+10:30",
    ]  # fmt: skip


def test_where_the_offset_is_no_whole_hour_slots_still_begin_as_the_clocks_show() -> None:
    assert shown(timetable(zone="Asia/Kolkata", closes="10:00"), date(2026, 3, 2)) == ["09:00+05:30", "09:30+05:30"]


def test_where_the_clocks_are_changed_at_midnight_the_first_hour_of_the_day_is_missing() -> None:
    assert shown(around_the_clock(BEIRUT, 60), date(2026, 3, 29))[0] == "01:00+03:00"
    assert shown(around_the_clock(CAIRO, 60), date(2026, 4, 24))[0] == "01:00+03:00"


def test_where_the_clocks_are_put_back_at_midnight_the_last_hour_of_the_day_is_there_twice() -> None:
    assert shown(around_the_clock(BEIRUT, 60), date(2026, 10, 24))[-2:] == ["23:00+03:00", "23:00+02:00"]


def test_a_day_that_was_left_out_has_no_slots() -> None:
    assert shown(around_the_clock("Pacific/Apia", 60), date(2011, 12, 30)) == []


@pytest.mark.parametrize(
    ("zone", "hours"), [("Europe/Berlin", 1), ("America/New_York", 1), ("Australia/Lord_Howe", 0.5)]
)
def test_a_day_on_which_the_clocks_change_has_as_many_slots_as_time(zone: str, hours: float) -> None:
    table = around_the_clock(zone, 30)

    assert len(shown(table, SPRING[zone])) == 48 - 2 * hours
    assert len(shown(table, AUTUMN[zone])) == 48 + 2 * hours
    assert len(shown(table, date(2026, 6, 15))) == 48


def test_a_slot_lasts_its_minutes_while_the_clocks_are_changed() -> None:
    table = Timetable(hours("01:00", "05:00"), 60, "Europe/Berlin")

    for day in (SPRING["Europe/Berlin"], AUTUMN["Europe/Berlin"]):
        asked = period(day, day, zone=table.time_zone)
        assert {s.end - s.start for s in table.slots(since=asked.start, until=asked.end)} == {timedelta(hours=1)}


def test_a_slot_that_time_would_run_out_for_does_not_exist() -> None:
    """From 01:30 to 02:30 on the night of the gap there is half an hour."""
    assert shown(Timetable(hours("01:30", "02:30"), 60, "Europe/Berlin"), SPRING["Europe/Berlin"]) == []
    assert shown(Timetable(hours("01:30", "02:30"), 30, "Europe/Berlin"), SPRING["Europe/Berlin"]) == ["01:30+01:00"]


def test_an_appointment_may_take_slots_that_follow_one_another() -> None:
    ends = list(timetable(closes="10:30").ends(time("2026-03-02T09:00:00+01:00")))

    assert ends == [time(f"2026-03-02T{end}:00+01:00") for end in ("09:30", "10:00", "10:30")]


def test_an_appointment_may_go_on_over_midnight_and_over_a_change_of_the_clocks() -> None:
    table = around_the_clock("Europe/Berlin", 60)
    ends = list(table.ends(time("2026-03-28T23:00:00+01:00")))

    assert time("2026-03-29T03:00:00+02:00") in ends
    assert ends[-1] - time("2026-03-28T23:00:00+01:00") == LONGEST


def test_nothing_begins_between_slots_or_while_the_resource_is_closed() -> None:
    assert list(timetable().ends(time("2026-03-02T09:15:00+01:00"))) == []
    assert list(timetable().ends(time("2026-03-02T08:30:00+01:00"))) == []


def test_an_instant_is_the_same_slot_whatever_offset_it_is_said_with() -> None:
    assert next(timetable().ends(time("2026-03-02T13:30:00+05:30"))) == time("2026-03-02T09:30:00+01:00")


def test_a_day_without_a_time_is_the_whole_day_there() -> None:
    spring = SPRING["Europe/Berlin"]

    assert period(spring, spring, zone="Europe/Berlin") == (
        time("2026-03-29T00:00:00+01:00"),
        time("2026-03-30T00:00:00+02:00"),
    )


def test_names_that_are_no_places_are_no_zones() -> None:
    assert {"Europe/Berlin", "UTC"} < zones()
    assert not {"localtime", "Factory", "", "Europe/Atlantis"} & zones()


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu",
     "Pacific/Chatham", "Africa/Casablanca", BEIRUT, CAIRO, "UTC"]
)  # fmt: skip
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31))  # noqa: DTZ001 - what clocks show has no offset
LENGTHS = st.sampled_from([5, 15, 20, 30, 45, 60, 90])


@examples(shown=MOMENTS, zone=ZONES)
def test_clocks_show_a_reading_at_the_instants_that_are_told(shown: datetime, zone: str) -> None:
    found = instants(shown, zone=zone)

    assert [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in found] == [shown] * len(found)
    assert sorted(found) == list(found)
    assert all(instant == local(instant.astimezone(UTC), zone=zone) for instant in found)
    there = shown.replace(tzinfo=ZoneInfo(zone))
    assert bool(found) == (there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == shown)


@examples(day=st.dates(date(2020, 1, 1), date(2030, 12, 31)), zone=ZONES, minutes=LENGTHS, opens=st.integers(0, 23))
def test_slots_are_in_order_as_long_as_they_should_be_and_within_the_hours(
    day: date, zone: str, minutes: int, opens: int
) -> None:
    table = timetable(zone=zone, minutes=minutes, opens=f"{opens:02}:00", closes=f"{(opens + 7) % 24:02}:30")
    asked = period(day, day + timedelta(days=2), zone=zone)
    slots = list(table.slots(since=asked.start, until=asked.end))

    assert slots == sorted(set(slots))
    for slot in slots:
        assert slot.end - slot.start == timedelta(minutes=minutes)
        for moment in (slot.start, slot.end - timedelta.resolution):
            assert (moment.hour * 60 + moment.minute - opens * 60) % 1440 < 450
        assert slot.start == local(slot.start, zone=zone)
        assert next(table.ends(slot.start)) == slot.end


@examples(start=MOMENTS, length=st.timedeltas(timedelta(minutes=5), timedelta(hours=24)), zone=ZONES)
def test_every_part_of_a_time_falls_on_one_of_its_days(start: datetime, length: timedelta, zone: str) -> None:
    begins = local(start.replace(tzinfo=UTC), zone=zone)
    days = list(days_between(begins, begins + length, zone=zone))

    for part in range(25):
        assert local(begins + (length - timedelta.resolution) * part / 24, zone=zone).date() in days
