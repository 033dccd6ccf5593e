"""Encounter: a visit comes only to states that follow from where it is, by a list of our own."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as some

from services.records.domain.encounter import Encounter, NotBornSo, NotNext
from shared.kernel import CarelogError, Gone, Origin
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME, Given, given, said
from tests.unit.records.known import visit

STATES = (
    "planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown", "entered-in-error",
)  # fmt: skip
LEGAL: dict[tuple[str, str], type[Any]] = {
    ("planned", "arrived"): Encounter.Arrived,
    ("planned", "triaged"): Encounter.Triaged,
    ("planned", "in-progress"): Encounter.Started,
    ("planned", "cancelled"): Encounter.Cancelled,
    ("arrived", "triaged"): Encounter.Triaged,
    ("arrived", "in-progress"): Encounter.Started,
    ("arrived", "cancelled"): Encounter.Cancelled,
    ("triaged", "in-progress"): Encounter.Started,
    ("triaged", "cancelled"): Encounter.Cancelled,
    ("in-progress", "onleave"): Encounter.Suspended,
    ("in-progress", "finished"): Encounter.Finished,
    ("onleave", "in-progress"): Encounter.Resumed,
    ("onleave", "finished"): Encounter.Finished,
    ("unknown", "planned"): Encounter.Amended,
    ("unknown", "arrived"): Encounter.Arrived,
    ("unknown", "triaged"): Encounter.Triaged,
    ("unknown", "in-progress"): Encounter.Started,
    ("unknown", "finished"): Encounter.Finished,
    ("unknown", "cancelled"): Encounter.Cancelled,
    **{(one, "entered-in-error"): Encounter.EnteredInError for one in STATES if one != "entered-in-error"},
}


def standing(status: str) -> Given[Encounter]:
    return given(Encounter, said(Encounter.Recorded, status=status, resource=visit(status)))


def record(status: str, *, origin: Origin = "live") -> Encounter:
    return Encounter.record(id=SOME_ID, at=SOME_TIME, resource=visit(status), origin=origin)


@pytest.mark.parametrize(("now", "then"), [(now, then) for now in STATES for then in STATES if now != then])
def test_a_visit_goes_where_the_list_says_and_nowhere_else(now: str, then: str) -> None:
    outcome = standing(now).when(lambda one: one.amend(at=SOME_TIME, resource=visit(then)))

    if event := LEGAL.get((now, then)):
        outcome.then(said(event, resource=visit(then)))
    else:
        outcome.then_refused(NotNext)


@pytest.mark.parametrize("status", STATES)
def test_where_it_is_it_can_be_corrected(status: str) -> None:
    corrected = visit(status, note="de")

    standing(status).when(lambda one: one.amend(at=SOME_TIME, resource=corrected)).then(
        said(Encounter.Amended, resource=corrected)
    )


@pytest.mark.parametrize("status", STATES)
def test_what_is_the_same_changes_nothing(status: str) -> None:
    standing(status).when(lambda one: one.amend(at=SOME_TIME, resource=visit(status))).then_nothing()


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "in-progress"])
def test_a_visit_begins(status: str) -> None:
    given(Encounter).when(lambda _: record(status)).then(said(Encounter.Recorded, status=status))


def test_a_visit_that_is_told_when_it_is_over_is_recorded_and_finishes() -> None:
    given(Encounter).when(lambda _: record("finished")).then(said(Encounter.Recorded), said(Encounter.Finished))


@pytest.mark.parametrize("status", ["onleave", "cancelled", "unknown", "entered-in-error"])
def test_a_visit_does_not_begin_so(status: str) -> None:
    given(Encounter).when(lambda _: record(status)).then_refused(NotBornSo)


@pytest.mark.parametrize("status", STATES)
def test_history_may_begin_in_any_state(status: str) -> None:
    given(Encounter).when(lambda _: record(status, origin="history")).then(said(Encounter.Recorded, status=status))


def test_a_refusal_names_where_the_visit_can_go() -> None:
    refused = standing("in-progress").when(lambda one: one.amend(at=SOME_TIME, resource=visit("planned"))).refusal

    assert str(refused) == "A visit that is in-progress can become: finished, onleave."


def test_after_a_retraction_nothing_is_said_any_more() -> None:
    gone = given(Encounter, said(Encounter.Recorded, status="planned", resource=visit()), said(
        Encounter.Retracted, reason="of somebody else"
    ))  # fmt: skip

    gone.when(lambda one: one.amend(at=SOME_TIME, resource=visit("arrived"))).then_refused(Gone)
    gone.when(lambda one: one.retract(at=SOME_TIME, reason="again")).then_refused(Gone)


@every(some.sampled_from(STATES), some.lists(some.sampled_from([*STATES, "retract"]), max_size=12))
def test_replay_makes_the_state_that_was_live(first: str, asked: list[str]) -> None:
    one = record(first, origin="history")
    for number, wish in enumerate(asked):
        with suppress(CarelogError):
            if wish == "retract":
                one.retract(at=SOME_TIME, reason="a mistake")
            else:
                one.amend(at=SOME_TIME, resource=visit(wish, note=str(number % 3)))

    assert state(replayed(one)) == state(one)
