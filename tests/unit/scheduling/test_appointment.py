"""How an appointment goes: the life cycle, every pair of status and wish, and what it takes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.scheduling.domain.appointment import (
    HOLDING,
    Appointment,
    NotArrived,
    NotBooked,
    NotCheckedIn,
    NotMissed,
    Over,
    Past,
    Retracted,
)
from services.scheduling.domain.timetable import Slot
from shared.kernel import Refused
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, Said, given, said
from tests.unit.scheduling.known import BOOKED, NINE, NOW, TEN, VISIT, schedule, slot, time

DOCTOR, ROOM = schedule("dr-heart"), schedule("room-2")
WHY = "The clinic is closed on that day."

CONFIRMED = said(Appointment.Confirmed)
ARRIVED, CHECKED_IN, FULFILLED = said(Appointment.Arrived), said(Appointment.CheckedIn), said(Appointment.Fulfilled)
MISSED, CANCELLED = said(Appointment.Missed), said(Appointment.Cancelled, reason=WHY)
RETRACTED = said(Appointment.Retracted, reason=WHY)

HISTORIES: dict[str, tuple[Said, ...]] = {
    "booked": (BOOKED,),
    "arrived": (BOOKED, ARRIVED),
    "checked-in": (BOOKED, ARRIVED, CHECKED_IN),
    "fulfilled": (BOOKED, ARRIVED, CHECKED_IN, FULFILLED),
    "noshow": (BOOKED, MISSED),
    "cancelled": (BOOKED, CANCELLED),
    "entered-in-error": (BOOKED, RETRACTED),
}

WISHES: dict[str, Any] = {
    "confirm": lambda it: it.confirm(at=NOW),
    "arrive": lambda it: it.arrive(at=NOW),
    "check-in": lambda it: it.check_in(at=NOW),
    "fulfil": lambda it: it.fulfil(at=NOW),
    "no-show": lambda it: it.miss(at=NOW),
    "reinstate": lambda it: it.reinstate(reason=WHY, at=NOW),
    "cancel": lambda it: it.cancel(reason=WHY, at=NOW),
    "reschedule": lambda it: it.reschedule(time=TEN, schedules=[DOCTOR], at=NOW),
    "retract": lambda it: it.retract(reason=WHY, at=NOW),
}

LEGAL: dict[tuple[str, str], tuple[str, Said]] = {
    ("booked", "confirm"): ("booked", CONFIRMED),
    ("booked", "arrive"): ("arrived", ARRIVED),
    ("arrived", "check-in"): ("checked-in", CHECKED_IN),
    ("checked-in", "fulfil"): ("fulfilled", FULFILLED),
    ("booked", "no-show"): ("noshow", MISSED),
    ("noshow", "reinstate"): ("booked", said(Appointment.Reinstated, reason=WHY)),
    ("booked", "cancel"): ("cancelled", CANCELLED),
    ("arrived", "cancel"): ("cancelled", CANCELLED),
    ("checked-in", "cancel"): ("cancelled", CANCELLED),
    ("booked", "reschedule"): ("booked", said(Appointment.Rescheduled, start=TEN.start, end=TEN.end)),
    ("booked", "retract"): ("entered-in-error", RETRACTED),
    ("arrived", "retract"): ("entered-in-error", RETRACTED),
    ("checked-in", "retract"): ("entered-in-error", RETRACTED),
    ("fulfilled", "retract"): ("entered-in-error", RETRACTED),
    ("noshow", "retract"): ("entered-in-error", RETRACTED),
    ("cancelled", "retract"): ("entered-in-error", RETRACTED),
}
"""written by hand from the life cycle, so that no table of ours helps"""

REFUSALS = {
    "confirm": NotBooked,
    "arrive": NotBooked,
    "check-in": NotArrived,
    "fulfil": NotCheckedIn,
    "no-show": NotBooked,
    "reinstate": NotMissed,
    "cancel": Over,
    "reschedule": NotBooked,
    "retract": Retracted,
}


def book(time: Slot = NINE, **changes: Any) -> Any:
    return lambda _: Appointment.book(
        **{"id": VISIT, "time": time, "schedules": [DOCTOR, ROOM], "reason": None, "at": NOW, **changes}
    )


def test_an_appointment_is_booked_with_several_resources() -> None:
    given(Appointment).when(book()).then(
        said(
            Appointment.Booked,
            start=NINE.start,
            end=NINE.end,
            schedules=(DOCTOR.id, ROOM.id),
            resources=("dr-heart", "room-2"),
            time_zone="Europe/Berlin",
            reason=None,
        )
    )


def test_a_reason_may_be_given() -> None:
    given(Appointment).when(book(reason="Chest pain")).then(said(Appointment.Booked, reason="Chest pain"))


def test_a_time_that_has_begun_is_refused() -> None:
    given(Appointment).when(book(at=NINE.start)).then(said(Appointment.Booked))
    given(Appointment).when(book(at=NINE.start + timedelta(seconds=1))).then_refused(Past)


def test_history_may_have_begun_long_ago() -> None:
    given(Appointment).when(book(at=NINE.start + timedelta(days=400), origin="history")).then(said(Appointment.Booked))


def test_one_over_midnight_takes_two_days_of_each_resource() -> None:
    night = slot("2026-03-02T23:30:00+01:00", "2026-03-03T00:30:00+01:00")
    booked = Appointment.book(id=VISIT, time=night, schedules=[DOCTOR, ROOM], reason=None, at=NOW)

    assert len(set(booked.calendars)) == 4


@pytest.mark.parametrize("status", HISTORIES)
@pytest.mark.parametrize("wish", WISHES)
def test_every_wish_in_every_status_is_answered_by_the_life_cycle(status: str, wish: str) -> None:
    outcome = given(Appointment, *HISTORIES[status]).when(WISHES[wish])

    match LEGAL.get((status, wish)):
        case (then, event):
            outcome.then(event)
            live = _live(*HISTORIES[status])
            WISHES[wish](live)
            assert live.status == then
        case None:
            outcome.then_refused(REFUSALS[wish])


def test_one_that_is_moved_takes_its_new_time_and_resources() -> None:
    given(Appointment, BOOKED).when(lambda it: it.reschedule(time=TEN, schedules=[ROOM], at=NOW)).then(
        said(Appointment.Rescheduled, start=TEN.start, schedules=(ROOM.id,), resources=("room-2",))
    )


def test_one_that_is_moved_to_where_it_is_stays_as_it_is() -> None:
    live = Appointment.book(id=VISIT, time=NINE, schedules=[DOCTOR], reason=None, at=NOW)
    live.reschedule(time=NINE, schedules=[DOCTOR], at=NOW)

    assert len(live.pending_events) == 1


def test_one_is_not_moved_into_the_past() -> None:
    late = time("2026-03-02T10:01:00+01:00")

    given(Appointment, BOOKED).when(lambda it: it.reschedule(time=TEN, schedules=[ROOM], at=late)).then_refused(Past)


def test_it_holds_its_time_until_it_is_missed_cancelled_or_retracted() -> None:
    assert {status for status, history in HISTORIES.items() if _live(*history).holds} == HOLDING
    assert {"booked", "arrived", "checked-in", "fulfilled"} == HOLDING


@examples(wishes=st.lists(st.sampled_from(sorted(WISHES)), max_size=12))
def test_replayed_it_is_what_it_was(wishes: list[str]) -> None:
    live = Appointment.book(id=VISIT, time=NINE, schedules=[DOCTOR, ROOM], reason="Chest pain", at=NOW)
    for wish in wishes:
        try:
            WISHES[wish](live)
        except Refused:
            continue

    assert state(replayed(live)) == state(live)


def _live(*history: Said) -> Appointment:
    found: list[Appointment] = []
    given(Appointment, *history).when(found.append).then_nothing()
    return found[0]


def test_ids_are_those_of_the_events() -> None:
    assert _live(BOOKED).schedules == (SOME_ID,)
    assert isinstance(_live(BOOKED).calendars[0], UUID)


def test_a_confirmation_said_again_changes_nothing() -> None:
    given(Appointment, BOOKED, CONFIRMED).when(lambda it: it.confirm(at=NOW)).then_nothing()


def test_another_time_is_not_confirmed_yet() -> None:
    moved = said(Appointment.Rescheduled, **{**BOOKED.fields, "start": TEN.start, "end": TEN.end})

    given(Appointment, BOOKED, CONFIRMED, moved).when(lambda it: it.confirm(at=NOW)).then(CONFIRMED)
