"""A message's attempts: what is tried when, what is waited for, and when it is given up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import strategies as some

from services.notifications.domain.letter import Reason
from services.notifications.domain.message import About, AttemptOver, Message, MessageOver
from services.notifications.domain.patience import Patience
from shared.kernel import CarelogError, PatientId
from shared.runtime.log.mapper import EventMapper
from tests.support.scenario import SOME_ID, SOME_TIME, given, said

ANN = PatientId(UUID(int=7))
VISIT = About(type="scheduling.appointment", id=UUID(int=8))
MINUTE = timedelta(minutes=1)
PATIENCE = Patience(pauses=(MINUTE, 5 * MINUTE), answer=MINUTE, look=MINUTE, address=timedelta(hours=1))

QUEUED = said(Message.Queued, patient=ANN, about=VISIT, template="appointment-booked", channel="email")
ATTEMPTED = said(Message.Attempted, attempt=1)
FAILED = said(Message.Failed, attempt=1, reason="unreachable")
SENT = said(Message.Sent, attempt=1)
GIVEN_UP = said(Message.Abandoned, reason="no-address")


def queued() -> Message:
    return Message.queue(id=SOME_ID, patient=ANN, about=VISIT, template="appointment-booked", start=None, at=SOME_TIME)


class Begin:
    """Asks for an attempt and keeps when to come again."""

    def __init__(self, *, wanted: bool = True, address: bool = True, after: timedelta = timedelta(0)) -> None:
        self.again: datetime | None = None
        self._facts = {"wanted": wanted, "address": address, "at": SOME_TIME + after}

    def __call__(self, message: Message) -> None:
        self.again = message.begin(patience=PATIENCE, **self._facts)  # type: ignore[arg-type]


def fail(*, reason: Reason = "unreachable", attempt: int = 1) -> Callable[[Message], object]:
    return lambda message: message.fail(attempt=attempt, reason=reason, patience=PATIENCE, at=SOME_TIME)


def sent(*, attempt: int = 1) -> Callable[[Message], object]:
    return lambda message: message.sent(attempt=attempt, at=SOME_TIME)


def test_a_message_is_queued_for_a_patient() -> None:
    given(Message).when(lambda _: queued()).then(QUEUED)


def test_an_attempt_is_recorded_before_it_is_made_and_looked_after() -> None:
    begin = Begin()
    given(Message, QUEUED).when(begin).then(ATTEMPTED)
    assert begin.again == SOME_TIME + PATIENCE.answer


def test_an_attempt_without_an_outcome_is_followed_by_another() -> None:
    given(Message, QUEUED, ATTEMPTED).when(Begin()).then(said(Message.Attempted, attempt=2))


def test_what_the_channel_took_is_sent() -> None:
    given(Message, QUEUED, ATTEMPTED).when(sent()).then(SENT)


def test_a_late_word_of_an_earlier_attempt_counts() -> None:
    second = said(Message.Attempted, attempt=2)
    given(Message, QUEUED, ATTEMPTED, second).when(sent(attempt=1)).then(said(Message.Sent, attempt=1))


def test_a_late_failure_of_an_earlier_attempt_does_not() -> None:
    second = said(Message.Attempted, attempt=2)
    given(Message, QUEUED, ATTEMPTED, second).when(fail(attempt=1)).then_refused(AttemptOver)


def test_what_was_not_attempted_has_no_outcome() -> None:
    given(Message, QUEUED).when(sent()).then_refused(AttemptOver)
    given(Message, QUEUED).when(fail()).then_refused(AttemptOver)
    given(Message, QUEUED, ATTEMPTED, FAILED).when(fail()).then_refused(AttemptOver)


def test_a_failure_is_followed_by_longer_and_longer_pauses() -> None:
    message = queued()
    pauses = []
    for attempt in (1, 2):
        message.begin(wanted=True, address=True, patience=PATIENCE, at=SOME_TIME)
        again = message.fail(attempt=attempt, reason="unreachable", patience=PATIENCE, at=SOME_TIME)
        pauses.append(again and again - SOME_TIME)
    assert pauses == [MINUTE, 5 * MINUTE]


def test_after_the_last_try_it_is_given_up() -> None:
    second = (said(Message.Attempted, attempt=2), said(Message.Failed, attempt=2, reason="timeout"))
    third = said(Message.Attempted, attempt=3)
    given(Message, QUEUED, ATTEMPTED, FAILED, *second, third).when(fail(attempt=3)).then(
        said(Message.Failed, attempt=3), said(Message.Abandoned, reason="tries-used-up")
    )


def test_a_last_try_that_never_had_an_outcome_is_given_up_too() -> None:
    tries = [said(Message.Attempted, attempt=attempt) for attempt in (1, 2, 3)]
    given(Message, QUEUED, *tries).when(Begin()).then(said(Message.Abandoned, reason="tries-used-up"))


@pytest.mark.parametrize("reason", ["recipient-refused", "message-refused"])
def test_what_is_refused_for_good_is_given_up_at_once(reason: Reason) -> None:
    given(Message, QUEUED, ATTEMPTED).when(fail(reason=reason)).then(
        said(Message.Failed, attempt=1, reason=reason), said(Message.Abandoned, reason="refused")
    )


def test_who_does_not_want_it_is_not_told() -> None:
    given(Message, QUEUED).when(Begin(wanted=False)).then(said(Message.Abandoned, reason="opted-out"))


@pytest.mark.parametrize(("waited", "again"), [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 60), (59, 60)])
def test_an_address_is_looked_for_less_and_less_often(waited: int, again: int) -> None:
    begin = Begin(address=False, after=waited * MINUTE)
    given(Message, QUEUED).when(begin).then_nothing()
    assert begin.again == SOME_TIME + again * MINUTE


def test_without_an_address_it_is_given_up_in_the_end() -> None:
    begin = Begin(address=False, after=60 * MINUTE)
    given(Message, QUEUED).when(begin).then(GIVEN_UP)
    assert begin.again is None


@pytest.mark.parametrize("end", [(ATTEMPTED, SENT), (GIVEN_UP,)])
@pytest.mark.parametrize("ask", [Begin(), Begin(wanted=False), sent(), fail()])
def test_what_is_over_is_over(end: tuple[Any, ...], ask: Callable[[Message], object]) -> None:
    given(Message, QUEUED, *end).when(ask).then_refused(MessageOver)


# any sequence ----------------------------------------------------------------------------------------------------

Wish = Callable[[Message], object]
wishes: some.SearchStrategy[Wish] = some.one_of(
    some.builds(
        lambda wanted, address, after: Begin(wanted=wanted, address=address, after=after * MINUTE),
        some.sampled_from([True, True, True, False]),
        some.booleans(),
        some.integers(0, 70),
    ),
    some.builds(lambda attempt: sent(attempt=attempt), some.integers(0, 4)),
    some.builds(
        lambda attempt, reason: fail(attempt=attempt, reason=reason),
        some.integers(0, 4),
        some.sampled_from(["unreachable", "timeout", "recipient-refused"]),
    ),
)


@every(some.lists(wishes, max_size=12))
def test_replay_makes_the_state_that_was_live(asked: list[Wish]) -> None:
    live = queued()
    for wish in asked:
        before = len(live.pending_events)
        try:
            wish(live)
        except CarelogError:
            assert len(live.pending_events) == before
    mapper = EventMapper()
    replayed: Any = None
    for event in live.pending_events:
        replayed = mapper.to_domain_event(mapper.to_stored_event(event)).mutate(replayed)
    assert {k: v for k, v in vars(replayed).items() if k[0] != "_"} == {
        k: v for k, v in vars(live).items() if k[0] != "_"
    }


@every(some.lists(wishes, max_size=12))
def test_it_is_never_tried_more_often_than_patience_allows_and_nothing_follows_its_end(asked: list[Wish]) -> None:
    message = queued()
    for wish in asked:
        try:
            wish(message)
        except CarelogError:
            continue
    kinds = [type(event) for event in message.pending_events]
    assert kinds.count(Message.Attempted) <= PATIENCE.tries
    ends = [kind for kind in kinds if kind in (Message.Sent, Message.Abandoned)]
    assert len(ends) <= 1
    assert not ends or kinds[-1] is ends[0]


@every(some.lists(wishes, max_size=12))
def test_whoever_begins_is_told_when_to_come_again_until_it_is_over(asked: list[Wish]) -> None:
    message = queued()
    for wish in asked:
        try:
            wish(message)
        except CarelogError:
            continue
        if isinstance(wish, Begin):
            assert (wish.again is None) == (message.status == "abandoned")
