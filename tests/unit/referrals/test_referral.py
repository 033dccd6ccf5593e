"""What a referral decides besides the table: births, reasons, visits, parties, and the end of the loop."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.referrals.domain.loop import NotYours
from services.referrals.domain.referral import (
    NoOutcome,
    ReasonMissing,
    Referral,
    ReferredToOneself,
    ReviewedBefore,
)
from services.referrals.domain.terms import Period
from services.referrals.domain.visits import AnotherVisit, Outdated, Visit
from shared.kernel import CarelogError, OrganizationId
from shared.runtime.log.mapper import EventMapper
from tests.support.scenario import SOME_ID, SOME_TIME, given, said
from tests.unit.referrals.known import (
    DRAFTED,
    HEART,
    HISTORIES,
    NORTH,
    OTHER_VISIT,
    STRANGER,
    VISIT,
    VISIT_START,
    WISH,
    standing_at,
)

LATER = SOME_TIME + timedelta(hours=1)
BY_NORTH: dict[str, Any] = {"by": NORTH, "at": LATER}
BY_HEART: dict[str, Any] = {"by": HEART, "at": LATER}


def drafted(**changes: Any) -> Callable[[Any], Referral]:
    return lambda _: Referral.draft(id=SOME_ID, at=SOME_TIME, **{**WISH, **changes})


def test_a_draft_keeps_what_is_asked_and_between_whom() -> None:
    given(Referral).when(drafted()).then(DRAFTED)


def test_a_referral_to_oneself_is_refused_because_nobody_could_tell_the_sides_apart() -> None:
    given(Referral).when(drafted(recipient=NORTH)).then_refused(ReferredToOneself)


def test_sending_says_between_whom_so_that_others_learn_of_the_care_relationship() -> None:
    sent = said(Referral.Sent, initiator=NORTH, recipient=HEART, business_status="2.0", transition="01")

    given(Referral, *HISTORIES["draft"]).when(lambda it: it.send(**BY_NORTH)).then(sent)


@pytest.mark.parametrize(
    ("place", "ask"),
    [
        ("2.0", lambda it: it.decline(**BY_HEART, reason=" ")),
        ("2.0", lambda it: it.request_cancellation(**BY_NORTH, reason="")),
        ("5.1.1", lambda it: it.cancel_visit(**BY_HEART, reason="\n")),
    ],
)
def test_who_stops_something_says_why(place: str, ask: Callable[[Referral], None]) -> None:
    given(Referral, *HISTORIES[place]).when(ask).then_refused(ReasonMissing)


@pytest.mark.parametrize("details", [{"appointment": VISIT}, {"start": VISIT_START}])
def test_a_visit_is_known_by_its_appointment_or_by_its_time_alone(details: dict[str, Any]) -> None:
    scheduled = said(Referral.VisitScheduled, business_status="5.1.1", transition="06", **details)

    given(Referral, *HISTORIES["3.0"]).when(lambda it: it.schedule(**BY_HEART, visit=Visit(**details))).then(scheduled)


def test_a_visit_that_is_missed_or_cancelled_is_the_one_that_is_known() -> None:
    missed = said(Referral.VisitMissed, appointment=VISIT)
    cancelled = said(Referral.VisitCancelled, appointment=VISIT, reason="Ill.")

    scheduled = given(Referral, *HISTORIES["5.1.1"])
    scheduled.when(lambda it: it.no_show(**BY_HEART)).then(missed)
    given(Referral, *HISTORIES["5.1.1"]).when(lambda it: it.cancel_visit(**BY_HEART, reason="Ill.")).then(cancelled)


@pytest.mark.parametrize("place", ["5.1.1", "5.1.2", "5.1.4"])
def test_an_appointment_that_is_not_the_referrals_visit_does_not_move_it(place: str) -> None:
    missing = given(Referral, *HISTORIES[place])
    missing.when(lambda it: it.no_show(**BY_HEART, visit=Visit(appointment=OTHER_VISIT))).then_refused(AnotherVisit)
    cancelling = given(Referral, *HISTORIES[place])
    cancelling.when(
        lambda it: it.cancel_visit(**BY_HEART, reason="Ill.", visit=Visit(appointment=OTHER_VISIT))
    ).then_refused(AnotherVisit)


def test_words_of_an_appointment_that_come_late_change_nothing() -> None:
    referral = standing_at("3.0")
    referral.schedule(**BY_HEART, visit=Visit(appointment=VISIT, start=VISIT_START, sequence=1))
    referral.cancel_visit(**BY_HEART, reason="Ill.", visit=Visit(appointment=VISIT, sequence=3))

    with pytest.raises(Outdated):
        referral.schedule(**BY_HEART, visit=Visit(appointment=VISIT, start=LATER, sequence=2))

    assert referral.place == "5.1.3"


def test_a_visit_that_was_not_missed_after_all_is_scheduled_at_the_time_that_is_known() -> None:
    again = said(Referral.VisitScheduled, appointment=VISIT, start=VISIT_START, transition="18")

    missed = given(Referral, *HISTORIES["5.1.2"])
    missed.when(lambda it: it.schedule(**BY_HEART, visit=Visit(appointment=VISIT, sequence=4))).then(again)


def test_a_note_that_names_another_visit_makes_it_the_one_that_is_known() -> None:
    referral = standing_at("5.1.4")

    referral.interim_note(**BY_HEART, note="Seen again.", visit=Visit(appointment=OTHER_VISIT))
    referral.cancel_visit(**BY_HEART, reason="Booked twice.", visit=Visit(appointment=OTHER_VISIT))

    assert referral.place == "5.1.3"


def test_a_draft_is_its_initiators_alone_and_the_recipient_takes_part_once_it_is_sent() -> None:
    assert standing_at("draft").parties == {NORTH}
    assert all(standing_at(place).parties == {NORTH, HEART} for place in HISTORIES if place != "draft")


def test_only_the_initiator_reviews() -> None:
    given(Referral, *HISTORIES["7.0"]).when(lambda it: it.review(**BY_HEART)).then_refused(NotYours)
    given(Referral, *HISTORIES["7.0"]).when(lambda it: it.review(by=STRANGER, at=LATER)).then_refused(NotYours)


def test_there_is_nothing_to_review_before_the_outcome() -> None:
    given(Referral, *HISTORIES["5.1.4"]).when(lambda it: it.review(**BY_NORTH)).then_refused(NoOutcome)


def test_an_outcome_is_reviewed_once() -> None:
    given(Referral, *HISTORIES["reviewed"]).when(lambda it: it.review(**BY_NORTH)).then_refused(ReviewedBefore)


def test_the_loop_is_closed_when_nobody_has_anything_left_to_do() -> None:
    assert {place for place in HISTORIES if standing_at(place).closed} == {"4.0", "6.0", "reviewed"}


WHO = st.sampled_from([NORTH, HEART, STRANGER])
VISITS = st.one_of(
    st.none(),
    st.builds(
        Visit,
        appointment=st.sampled_from([None, VISIT, OTHER_VISIT]),
        start=st.sampled_from([None, VISIT_START]),
        sequence=st.sampled_from([None, 1, 2, 3]),
    ),
)
WORDS = st.sampled_from(["", "Because.", "Größe 3 µm – \u2603"])
COMMANDS = st.one_of(
    st.tuples(st.sampled_from(["send", "accept", "confirm_cancellation"]), st.just({})),
    st.tuples(st.sampled_from(["decline", "request_cancellation"]), st.fixed_dictionaries({"reason": WORDS})),
    st.tuples(st.sampled_from(["schedule", "no_show"]), st.fixed_dictionaries({"visit": VISITS})),
    st.tuples(st.just("cancel_visit"), st.fixed_dictionaries({"visit": VISITS, "reason": WORDS})),
    st.tuples(st.just("interim_note"), st.fixed_dictionaries({"visit": VISITS, "note": WORDS})),
    st.tuples(
        st.just("give_outcome"), st.fixed_dictionaries({"note": WORDS, "references": st.just(("DiagnosticReport/1",))})
    ),
    st.tuples(st.just("review"), st.fixed_dictionaries({"note": WORDS})),
)


@examples(st.sampled_from(sorted(HISTORIES)), st.lists(st.tuples(WHO, COMMANDS), max_size=20))
def test_whatever_is_said_the_replayed_referral_equals_the_live_one(
    place: str, story: list[tuple[OrganizationId, tuple[str, dict[str, Any]]]]
) -> None:
    live, replayed, mapper = standing_at(place), standing_at(place), EventMapper()
    for minutes, (who, (command, facts)) in enumerate(story):
        try:
            getattr(live, command)(by=who, at=SOME_TIME + timedelta(minutes=minutes), **facts)
        except CarelogError:
            continue

    for event in live.pending_events:
        mapper.to_domain_event(mapper.to_stored_event(event)).mutate(replayed)

    assert _state(replayed) == _state(live)


def test_a_draft_comes_back_from_the_log_as_it_was_born() -> None:
    period = Period(start=SOME_TIME, end=VISIT_START)
    live = drafted(occurrence=period, based_on=OTHER_VISIT)(None)

    [birth] = live.pending_events
    mapper = EventMapper()

    assert _state(mapper.to_domain_event(mapper.to_stored_event(birth)).mutate(None)) == _state(live)


def _state(referral: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(referral).items() if name != "_pending_events"}
