"""What is taken of a resource's day: no two appointments at the same time."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.scheduling.domain.calendar import Calendar, SlotTaken
from services.scheduling.domain.timetable import Slot
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, given, said
from tests.unit.scheduling.known import NINE, NOW, OTHER_VISIT, QUARTER_PAST, TEN, VISIT, time

DAY = date(2026, 3, 2)
OPENED = said(Calendar.Opened, schedule=SOME_ID, day=DAY)
TAKEN = said(Calendar.Taken, appointment=VISIT, start=NINE.start, end=NINE.end)
FREED = said(Calendar.Freed, appointment=VISIT, start=NINE.start, end=NINE.end)


def take(slot: Slot, appointment: UUID = OTHER_VISIT) -> Any:
    return lambda it: it.take(appointment=appointment, time=slot, at=NOW)


def test_a_day_is_opened_under_the_id_that_its_resource_and_date_make() -> None:
    first, again = (Calendar.open(schedule=SOME_ID, day=DAY, at=NOW) for _ in range(2))

    assert first.id == again.id
    assert first.id != Calendar.open(schedule=SOME_ID, day=DAY + timedelta(days=1), at=NOW).id
    assert first.id != Calendar.open(schedule=VISIT, day=DAY, at=NOW).id


def test_a_free_time_is_taken() -> None:
    given(Calendar, OPENED).when(take(NINE, VISIT)).then(TAKEN)


def test_a_second_booking_of_the_same_slot_is_refused() -> None:
    given(Calendar, OPENED, TAKEN).when(take(NINE)).then_refused(SlotTaken)


def test_a_time_that_overlaps_a_taken_one_is_refused() -> None:
    given(Calendar, OPENED, TAKEN).when(take(QUARTER_PAST)).then_refused(SlotTaken)
    given(Calendar, OPENED, TAKEN).when(take(Slot(NINE.start - timedelta(hours=1), TEN.end))).then_refused(SlotTaken)


def test_a_time_is_the_same_with_another_offset() -> None:
    same = Slot(time("2026-03-02T08:00:00Z"), time("2026-03-02T13:45:00+05:30"))

    given(Calendar, OPENED, TAKEN).when(take(same)).then_refused(SlotTaken)


def test_times_that_meet_do_not_overlap() -> None:
    half_past = Slot(NINE.end, TEN.start)

    given(Calendar, OPENED, TAKEN).when(take(half_past)).then(said(Calendar.Taken, appointment=OTHER_VISIT))


def test_what_is_given_back_is_free_again() -> None:
    given(Calendar, OPENED, TAKEN).when(lambda it: it.free(appointment=VISIT, at=NOW)).then(FREED)
    given(Calendar, OPENED, TAKEN, FREED).when(take(NINE)).then(said(Calendar.Taken, appointment=OTHER_VISIT))


def test_who_has_nothing_gives_nothing_back() -> None:
    given(Calendar, OPENED, TAKEN).when(lambda it: it.free(appointment=OTHER_VISIT, at=NOW)).then_nothing()


QUARTERS = st.integers(0, 40)
STEPS = st.lists(st.tuples(st.sampled_from(range(6)), QUARTERS, st.integers(1, 8), st.booleans()), max_size=40)


def _at(quarter: int) -> datetime:
    return time("2026-03-02T09:00:00+01:00") + timedelta(minutes=15 * quarter)


@examples(steps=STEPS)
def test_whatever_is_asked_claims_never_overlap_and_are_refused_only_when_they_would(steps: Any) -> None:
    calendar, taken = Calendar.open(schedule=SOME_ID, day=DAY, at=NOW), dict[UUID, Slot]()
    for number, begins, length, frees in steps:
        appointment, slot = UUID(int=number), Slot(_at(begins), _at(begins + length))
        if frees:
            calendar.free(appointment=appointment, at=NOW)
            taken.pop(appointment, None)
        elif appointment not in taken:
            if any(slot.start < other.end and other.start < slot.end for other in taken.values()):
                with pytest.raises(SlotTaken):
                    calendar.take(appointment=appointment, time=slot, at=NOW)
            else:
                calendar.take(appointment=appointment, time=slot, at=NOW)
                taken[appointment] = slot

    assert {claim.appointment: Slot(claim.start, claim.end) for claim in calendar.claims} == taken
    assert state(replayed(calendar)) == state(calendar)
