"""What scheduling shows: appointments as they stand, whatever way their events came."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as some

from services.scheduling.domain.appointment import Appointment
from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.offers import offered
from services.scheduling.domain.schedule import Schedule
from services.scheduling.domain.timetable import Slot
from services.scheduling.projections import AppointmentRow
from services.scheduling.service import service
from shared.contracts.envelope import Contract
from shared.contracts.scheduling import PUBLISHED
from shared.runtime.documents.port import Document
from shared.runtime.json import loads
from tests.support.topics import shown, told
from tests.unit.scheduling.known import ANN, HEART, NINE, NOW, REFERRAL, TEN, VISIT, schedule, time

DOCTOR, ROOM = schedule("dr-heart"), schedule("room-2")
WHY = "The clinic is closed on that day."


def booked(time: Slot = NINE, *, id: UUID = VISIT, schedules: Sequence[Schedule] = (DOCTOR, ROOM)) -> Appointment:
    return Appointment.book(id=id, time=time, schedules=schedules, reason="Chest pain", at=NOW)


def contracts(aggregate: Any, *, referral: UUID | None = None) -> list[Contract]:
    links = {"referral": str(referral)} if referral else {}
    return [
        contract.within(replace(contract.envelope, links=links))
        for contract in told(service, aggregate, patient=ANN, organization=HEART)
    ]


async def document(appointment: Appointment, **more: Any) -> Document:
    return (await shown(AppointmentRow(), [contracts(appointment, **more)]))[str(appointment.id)]


async def row(appointment: Appointment, **more: Any) -> Any:
    return loads((await document(appointment, **more)).body)


async def test_a_row_says_when_with_what_and_for_whom_but_not_why() -> None:
    assert await row(booked(), referral=REFERRAL) == {
        "id": str(VISIT),
        "status": "booked",
        "start": "2026-03-02T09:00:00+01:00",
        "end": "2026-03-02T09:30:00+01:00",
        "schedules": [str(DOCTOR.id), str(ROOM.id)],
        "resources": ["dr-heart", "room-2"],
        "time_zone": "Europe/Berlin",
        "patient": str(ANN),
        "organization": HEART,
        "referral": str(REFERRAL),
        "confirmed": False,
    }


async def test_a_row_says_whether_the_patient_has_confirmed_this_time() -> None:
    confirmed = booked()
    confirmed.confirm(at=NOW)
    assert (await row(confirmed))["confirmed"]

    confirmed.reschedule(time=TEN, schedules=[ROOM], at=NOW)
    assert not (await row(confirmed))["confirmed"]


async def test_a_row_follows_its_appointment() -> None:
    moved = booked()
    moved.reschedule(time=TEN, schedules=[ROOM], at=NOW)

    assert (await row(moved))["start"] == "2026-03-02T10:00:00+01:00"
    assert (await row(moved))["resources"] == ["room-2"]
    assert (await row(moved))["referral"] is None


@pytest.mark.parametrize(
    "steps",
    [["arrive", "check_in", "fulfil"], ["miss", "reinstate", "cancel"], ["arrive", "retract"], ["miss", "retract"]],
)
async def test_a_row_has_the_status_of_its_appointment(steps: list[str]) -> None:
    live = booked()
    for step in steps:
        ask(live, step)
        assert (await row(live))["status"] == live.status


async def test_an_appointment_over_midnight_is_found_on_both_days_by_the_clocks_of_the_place() -> None:
    night = schedule("er", zone="Asia/Kolkata", opens="20:00", closes="04:00")
    over = booked(
        offered([night], start=time("2026-03-02T18:00:00Z"), end=time("2026-03-02T19:00:00Z")), schedules=[night]
    )
    late = booked(offered([night], start=time("2026-03-02T18:00:00Z"), end=None), schedules=[night])

    assert (await document(over)).fields["days"] == ("2026-03-02", "2026-03-03")
    assert (await document(late)).fields["days"] == ("2026-03-02",)


async def test_schedules_and_calendars_are_no_appointments() -> None:
    calendar = Calendar.open(schedule=DOCTOR.id, day=NINE.start.date(), at=NOW)

    assert await shown(AppointmentRow(), [contracts(calendar), contracts(DOCTOR)]) == {}


def test_every_event_is_published_as_its_own_contract() -> None:
    assert [one.contract for one in service.publishes] == list(PUBLISHED)
    assert all(f"{one.event.TOPIC}.v1" == one.contract.TYPE for one in service.publishes)


def test_what_is_published_of_a_booking_does_not_say_which_days_it_takes() -> None:
    [contract] = contracts(booked())

    assert contract.model_dump().keys() == {"start", "end", "schedules", "resources", "time_zone", "reason"}


def test_hours_are_published_as_they_were_set() -> None:
    [contract] = contracts(schedule("dr-heart"))

    assert contract.model_dump()["hours"][0] == {"day": "mon", "opens": "09:00", "closes": "17:00"}


def ask(appointment: Appointment, step: str) -> None:
    reason = {"reason": WHY} if step in ("cancel", "retract", "reinstate") else {}
    getattr(appointment, step)(at=NOW, **reason)


def a_long_story(number: int) -> Appointment:
    """Moved, missed by mistake, and then as it should be."""
    zone = ("Europe/Berlin", "UTC", "Australia/Lord_Howe")[number]
    place = schedule("er", zone=zone, opens="00:00", closes="00:00")
    live = booked(offered([place], start=NINE.start, end=None), id=UUID(int=number), schedules=[place])
    live.reschedule(time=offered([place], start=TEN.start, end=TEN.end + timedelta(hours=1)), schedules=[place], at=NOW)
    for step in ("miss", "reinstate", "arrive", "check_in", "fulfil", "retract"):
        ask(live, step)
    return live


STORIES = [contracts(a_long_story(number), referral=REFERRAL) for number in range(3)]


@some.composite
def deliveries(draw: some.DrawFn) -> list[list[Contract]]:
    """All events, each appointment's in order, mixed, any stretch of them again, in batches of any size."""
    left = [list(story) for story in STORIES]
    came: list[Contract] = []
    while any(left):
        came.append(draw(some.sampled_from([story for story in left if story])).pop(0))
        if draw(some.integers(0, 4)) == 0:
            came += came[-draw(some.integers(1, 5)) :]
    cuts = sorted(draw(some.sets(some.integers(1, len(came)), max_size=6)) | {0, len(came)})
    return [came[start:end] for start, end in pairwise(cuts)]


@every(deliveries())
@settings(deadline=None, max_examples=60)
async def test_however_the_events_came_the_rows_are_those_of_a_rebuild(batches: list[list[Contract]]) -> None:
    assert await shown(AppointmentRow(), batches) == await shown(AppointmentRow(), STORIES)
