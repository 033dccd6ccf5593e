"""The worklist's rows: who owes what by when, and the same row however its events came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as some
from pydantic import ValidationError

from services.referrals.domain.referral import Referral
from services.referrals.domain.visits import Visit
from services.referrals.projections import Deadlines, ReferralRow
from services.referrals.projections.deadlines import Allowed
from services.referrals.queries import as_of
from shared.contracts.envelope import Contract
from shared.runtime.documents.port import Document
from shared.runtime.json import loads
from tests.support.scenario import SOME_ID
from tests.support.topics import shown
from tests.unit.referrals.known import HEART, NORTH, OTHER_VISIT, STRANGER, VISIT, VISIT_START
from tests.unit.referrals.said import (
    LATER_START,
    PATIENT,
    appointment,
    arrived,
    booked,
    cancelled,
    drafted,
    hours,
    missed,
    on_topic,
    reinstated,
    rescheduled,
    walked,
)

ROWS = ReferralRow(due=Deadlines())
ALLOWED = Deadlines()


async def document(*batches: list[Contract], rows: ReferralRow = ROWS) -> Document:
    return (await shown(rows, batches))[str(SOME_ID)]


async def row(*batches: list[Contract], rows: ReferralRow = ROWS) -> dict[str, Any]:
    body: dict[str, Any] = loads((await document(*batches, rows=rows)).body)
    return body


def sent(*, priority: str = "routine") -> Referral:
    it = drafted(priority=priority)
    it.send(by=NORTH, at=hours(1))
    return it


def scheduled() -> Referral:
    it = sent()
    it.accept(by=HEART, at=hours(2))
    it.schedule(by=HEART, at=hours(3), visit=Visit(appointment=VISIT, start=VISIT_START, sequence=1))
    return it


async def test_a_row_says_what_is_asked_of_whom_where_it_stands_and_what_comes_next() -> None:
    assert await row(on_topic(sent())) == {
        "id": str(SOME_ID),
        "patient": str(PATIENT),
        "status": "received",
        "business_status": "2.0",
        "since": "2026-03-02T10:30:00Z",
        "priority": "routine",
        "service": {
            "text": "Cardiology",
            "coding": [{"code": "183519002", "system": "http://snomed.info/sct"}],
        },
        "initiator": "north-clinic",
        "recipient": "heart-centre",
        "based_on": None,
        "drafted_at": "2026-03-02T09:30:00Z",
        "next": {"action": "accept", "side": "recipient", "organization": "heart-centre"},
        "due_at": "2026-03-04T10:30:00Z",
        "appointment": None,
        "closed": False,
    }


async def test_a_draft_is_found_by_its_initiator_alone_and_is_never_due() -> None:
    draft = await document(on_topic(drafted()))

    assert draft.fields["parties"] == (NORTH,)
    assert loads(draft.body)["due_at"] is None
    assert (await document(on_topic(sent()))).fields["parties"] == (NORTH, HEART)


def _no_step(it: Referral) -> None:
    pass


STEPS: list[tuple[Callable[[Referral], None], str, str, Allowed]] = [
    (_no_step, "accept", HEART, ALLOWED.accept),
    (lambda it: it.accept(by=HEART, at=hours(2)), "schedule", HEART, ALLOWED.schedule),
    (lambda it: it.schedule(by=HEART, at=hours(3)), "outcome", HEART, ALLOWED.outcome_without_visits),
    (
        lambda it: it.request_cancellation(by=NORTH, at=hours(4), reason="Moved."),
        "confirm-cancellation",
        HEART,
        ALLOWED.confirm_cancellation,
    ),
    (lambda it: it.give_outcome(by=HEART, at=hours(5), note="Done."), "review", NORTH, ALLOWED.review),
]


@pytest.mark.parametrize("priority", ["routine", "urgent", "asap", "stat"])
async def test_each_step_has_its_owner_and_its_time_by_priority(priority: str) -> None:
    it = drafted(priority=priority)
    it.send(by=NORTH, at=hours(1))
    for said_at, (step, action, owner, allowed) in enumerate(STEPS, start=1):
        step(it)
        shows = await row(on_topic(it))
        assert (shows["next"]["action"], shows["next"]["organization"]) == (action, owner)
        assert datetime.fromisoformat(shows["due_at"]) == hours(said_at) + getattr(allowed, priority)


async def test_the_more_pressing_the_priority_the_sooner_everything_is_due() -> None:
    for step in Deadlines.model_fields:
        allowed = getattr(ALLOWED, step)
        assert allowed.routine > allowed.urgent > allowed.asap > allowed.stat > timedelta(0)


async def test_the_settings_say_what_is_due_when() -> None:
    accept = {"routine": "PT1H", "urgent": "PT1H", "asap": "PT1H", "stat": "PT1H"}
    rows = ReferralRow(due=Deadlines.model_validate({"accept": accept}))

    assert (await row(on_topic(sent()), rows=rows))["due_at"] == "2026-03-02T11:30:00Z"


@pytest.mark.parametrize("wrong", [{"accept": {"routine": "PT1H"}}, {"acept": {}}, {"review": "PT1H"}])
def test_a_table_with_a_gap_or_an_unknown_step_is_no_table(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Deadlines.model_validate(wrong)


async def test_no_step_may_take_no_time() -> None:
    with pytest.raises(ValidationError):
        Allowed.model_validate({"routine": "PT0S", "urgent": "PT1H", "asap": "PT1H", "stat": "PT1H"})


async def test_what_follows_a_visit_is_due_from_the_visits_time() -> None:
    shows = await row(on_topic(scheduled()))

    assert datetime.fromisoformat(shows["due_at"]) == VISIT_START + ALLOWED.outcome.routine


async def test_a_visit_at_the_end_of_the_calendar_is_due_at_its_end() -> None:
    it = sent()
    it.accept(by=HEART, at=hours(2))
    it.schedule(by=HEART, at=hours(3), visit=Visit(start=datetime(9999, 12, 31, 23, tzinfo=UTC)))

    assert (await row(on_topic(it)))["due_at"] == "9999-01-01T00:00:00Z"


async def test_a_reviewed_outcome_leaves_nothing_to_do() -> None:
    shows = await row(on_topic(walked()))

    assert (shows["closed"], shows["next"], shows["due_at"], shows["business_status"]) == (True, None, None, "7.0")


async def test_a_declined_referral_is_closed() -> None:
    it = sent()
    it.decline(by=HEART, at=hours(2), reason="We have no room.")

    assert (await row(on_topic(it)))["closed"] is True


async def test_an_appointment_is_known_before_its_referral_but_not_seen() -> None:
    early = await document(appointment(booked()))
    assert not early.visible

    shows = await row(appointment(booked(), rescheduled(), arrived()), on_topic(scheduled()))
    assert shows["appointment"] == {
        "id": str(VISIT),
        "status": "arrived",
        "start": LATER_START.isoformat().replace("+00:00", "Z"),
        "end": (LATER_START + timedelta(minutes=30)).isoformat().replace("+00:00", "Z"),
    }


async def test_the_appointment_that_the_referral_names_goes_before_one_booked_later() -> None:
    other = appointment(booked(LATER_START), cancelled(), id=OTHER_VISIT)

    named = await row(on_topic(scheduled()), appointment(booked()), other)
    unnamed = await row(on_topic(sent()), other)

    assert named["appointment"]["id"] == str(VISIT)
    assert (unnamed["appointment"]["id"], unnamed["appointment"]["status"]) == (str(OTHER_VISIT), "cancelled")


@pytest.mark.parametrize("foreign", [{"organization": STRANGER}, {"patient": UUID(int=99)}])
async def test_an_appointment_of_others_or_for_others_is_not_shown(foreign: dict[str, Any]) -> None:
    shows = await row(on_topic(scheduled()), appointment(booked(), **foreign))

    assert shows["appointment"] is None


async def test_an_appointment_without_a_referral_is_nobodys_row() -> None:
    assert await shown(ROWS, [appointment(booked(), referral=None)]) == {}


async def test_whether_it_is_late_and_for_how_many_days_is_told_by_the_time_of_reading() -> None:
    shows = await row(on_topic(sent()))

    in_time, late = as_of(shows, now=hours(48)), as_of(shows, now=hours(50))

    assert (in_time["overdue"], in_time["days"]) == (False, 1)
    assert (late["overdue"], late["days"]) == (True, 2)


STORIES = [
    on_topic(walked()),
    appointment(booked(), missed(), reinstated(), cancelled()),
    appointment(booked(LATER_START), rescheduled(), arrived(), id=OTHER_VISIT),
    appointment(booked(), id=UUID(int=77), organization=STRANGER),
    on_topic(walked(id=UUID(int=5))),
]


@some.composite
def deliveries(draw: some.DrawFn) -> list[list[Contract]]:
    """All events, each aggregate's in order, the topics mixed, any stretch of them again, in batches of any size."""
    left = [list(story) for story in STORIES]
    came: list[Contract] = []
    while any(left):
        came.append(draw(some.sampled_from([story for story in left if story])).pop(0))
        if draw(some.integers(0, 4)) == 0:
            came += came[-draw(some.integers(1, 5)) :]
    cuts = sorted(draw(some.sets(some.integers(1, len(came)), max_size=6)) | {0, len(came)})
    return [came[start:end] for start, end in pairwise(cuts)]


@every(deliveries())
@settings(max_examples=60)
async def test_however_the_events_came_the_rows_are_those_of_a_rebuild(batches: list[list[Contract]]) -> None:
    assert await shown(ROWS, batches) == await shown(ROWS, STORIES)
