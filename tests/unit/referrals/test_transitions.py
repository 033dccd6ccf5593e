"""The closed loop, walked whole: every place, everything that can be said, both sides and a stranger.

What is legal stands here a second time, typed from the standard (`HL7/bser`, Harmonized State Transitions) in its own
order. The walk expects a refusal of everything else: one transition more in the domain makes it red, as does one less.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from services.referrals.domain import loop
from services.referrals.domain.loop import NotYours
from services.referrals.domain.referral import Referral
from services.referrals.domain.visits import Visit
from shared.kernel import Refused
from tests.support.scenario import SOME_TIME, given
from tests.unit.referrals.known import HEART, HISTORIES, NORTH, STRANGER, VISIT, VISIT_START

LATER = SOME_TIME + timedelta(hours=1)

# (TID, side, what is said, from, Task.status after, business status after)
STANDARD = [
    ("01", "I", "send", "draft", "received", "2.0"),
    ("02", "R", "accept", "2.0", "accepted", "3.0"),
    ("03", "R", "decline", "2.0", "rejected", "4.0"),
    ("04", "I", "request-cancellation", "2.0", "in-progress", "5.2"),
    ("05", "R", "decline", "3.0", "rejected", "4.0"),
    ("06", "R", "schedule", "3.0", "in-progress", "5.1.1"),
    ("07", "I", "request-cancellation", "3.0", "in-progress", "5.2"),
    ("08", "R", "interim-note", "3.0", "in-progress", "5.1.4"),
    ("09", "R", "outcome", "3.0", "completed", "7.0"),
    ("10", "R", "decline", "5.1.1", "rejected", "4.0"),
    ("11", "R", "schedule", "5.1.1", "in-progress", "5.1.1"),
    ("12", "R", "no-show", "5.1.1", "in-progress", "5.1.2"),
    ("13", "R", "cancel-visit", "5.1.1", "in-progress", "5.1.3"),
    ("14", "I", "request-cancellation", "5.1.1", "in-progress", "5.2"),
    ("15", "R", "interim-note", "5.1.1", "in-progress", "5.1.4"),
    ("16", "R", "outcome", "5.1.1", "completed", "7.0"),
    ("17", "R", "decline", "5.1.2", "rejected", "4.0"),
    ("18", "R", "schedule", "5.1.2", "in-progress", "5.1.1"),
    ("19", "R", "cancel-visit", "5.1.2", "in-progress", "5.1.3"),
    ("20", "I", "request-cancellation", "5.1.2", "in-progress", "5.2"),
    ("21", "R", "schedule", "5.1.3", "in-progress", "5.1.1"),
    ("22", "I", "request-cancellation", "5.1.3", "in-progress", "5.2"),
    ("23", "R", "confirm-cancellation", "5.2", "cancelled", "6.0"),
    ("24", "R", "outcome", "5.2", "completed", "7.0"),
    ("25", "R", "decline", "5.1.4", "rejected", "4.0"),
    ("26", "R", "schedule", "5.1.4", "in-progress", "5.1.1"),
    ("27", "R", "cancel-visit", "5.1.4", "in-progress", "5.1.3"),
    ("28", "I", "request-cancellation", "5.1.4", "in-progress", "5.2"),
    ("29", "R", "interim-note", "5.1.4", "in-progress", "5.1.4"),
    ("30", "R", "outcome", "5.1.4", "completed", "7.0"),
    ("31", "R", "schedule without a visit", "3.0", "in-progress", "5.1"),
    ("32", "R", "interim-note without a visit", "3.0", "in-progress", "5.1"),
    ("33", "R", "decline", "5.1", "rejected", "4.0"),
    ("34", "I", "request-cancellation", "5.1", "in-progress", "5.2"),
]
OURS = [("carelog.1", "R", "outcome", "5.1", "completed", "7.0")]
REVIEW = [(None, "I", "review", "7.0", "completed", "7.0")]
# Who reports visits need not name them again: the note is of the visit that is known.
UNNAMED = [
    ("15", "R", "interim-note without a visit", "5.1.1", "in-progress", "5.1.4"),
    ("29", "R", "interim-note without a visit", "5.1.4", "in-progress", "5.1.4"),
]
LEGAL: Mapping[tuple[str, str, str], tuple[str | None, str, str]] = {
    (start, action, side): (tid, status, business)
    for tid, side, action, start, status, business in [*STANDARD, *OURS, *REVIEW, *UNNAMED]
}

SIDES = {"I": NORTH, "R": HEART, "neither": STRANGER}
ACTIONS: Mapping[str, Callable[..., Callable[[Referral], None]]] = {
    "send": lambda who: lambda it: it.send(**who),
    "accept": lambda who: lambda it: it.accept(**who),
    "decline": lambda who: lambda it: it.decline(**who, reason="We have no room."),
    "request-cancellation": lambda who: lambda it: it.request_cancellation(**who, reason="The patient has moved."),
    "confirm-cancellation": lambda who: lambda it: it.confirm_cancellation(**who),
    "schedule": lambda who: lambda it: it.schedule(**who, visit=Visit(start=VISIT_START)),
    "schedule without a visit": lambda who: lambda it: it.schedule(**who),
    "no-show": lambda who: lambda it: it.no_show(**who),
    "cancel-visit": lambda who: lambda it: it.cancel_visit(**who, reason="The machine is broken."),
    "interim-note": lambda who: lambda it: it.interim_note(**who, note="Seen.", visit=Visit(appointment=VISIT)),
    "interim-note without a visit": lambda who: lambda it: it.interim_note(**who, note="Under way."),
    "outcome": lambda who: lambda it: it.give_outcome(**who, note="No stenosis."),
    "review": lambda who: lambda it: it.review(**who),
}

EVERY = [(place, action, side) for place in HISTORIES for action in ACTIONS for side in SIDES]


@pytest.mark.parametrize(("place", "action", "side"), EVERY)
def test_every_legal_step_leads_where_the_standard_says_and_every_other_is_refused(
    place: str, action: str, side: str
) -> None:
    said = ACTIONS[action]({"by": SIDES[side], "at": LATER})

    outcome = given(Referral, *HISTORIES[place]).when(said)

    if (place, action, side) not in LEGAL:
        outcome.then_refused(Refused)
        return
    assert outcome.refusal is None
    [event] = outcome.events
    tid, status, business = LEGAL[place, action, side]
    assert getattr(event, "transition", None) == tid
    assert getattr(event, "status", "completed") == status
    assert getattr(event, "business_status", "7.0") == business


@pytest.mark.parametrize(("place", "action", "side"), LEGAL)
def test_the_wrong_side_hears_that_the_step_is_not_its_own(place: str, action: str, side: str) -> None:
    other = NORTH if side == "R" else HEART

    given(Referral, *HISTORIES[place]).when(ACTIONS[action]({"by": other, "at": LATER})).then_refused(NotYours)


def test_the_test_knows_the_standards_34_transitions_one_of_ours_and_the_review() -> None:
    assert [tid for tid, *_ in STANDARD] == [f"{number:02}" for number in range(1, 35)]
    assert len(LEGAL) == 34 + 1 + 1 + len(UNNAMED)


def test_the_table_itself_holds_these_transitions_and_no_others() -> None:
    names = {"schedule, without a visit": "schedule without a visit"}
    names["interim-note, without a visit"] = "interim-note without a visit"
    table = sorted(
        (tid, step.side[0].upper(), names.get(trigger, trigger), place, loop.TASK_STATUS[step.to], step.to)
        for trigger, step in loop.STEPS.items()
        for place, tid in step.tids.items()
    )

    assert table == sorted([*STANDARD, *OURS])


def test_every_decision_of_the_aggregate_is_walked() -> None:
    public = {name for name, of in vars(Referral).items() if callable(of) and not name.startswith("_")}
    decisions = {name for name in public if name[0].islower()} - {"draft"}
    walked = {_asked(ask) for ask in ACTIONS.values()}

    assert decisions == walked


@pytest.mark.parametrize("extra", [("decline", "5.1.3"), ("accept", "4.0"), ("outcome", "5.1.2"), ("send", "2.0")])
def test_one_transition_more_makes_the_walk_red(extra: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    trigger, place = extra
    step = loop.STEPS[trigger]
    more = loop.Step(step.side, step.to, {**step.tids, place: "99"})
    monkeypatch.setattr(loop, "STEPS", {**loop.STEPS, trigger: more})
    side = step.side[0].upper()

    with pytest.raises(pytest.fail.Exception, match="not refused"):
        test_every_legal_step_leads_where_the_standard_says_and_every_other_is_refused(place, trigger, side)


class _Asked:
    """Remembers which method was called."""

    def __getattr__(self, name: str) -> Any:
        self.__dict__["name"] = name
        return lambda **_: None


def _asked(ask: Callable[..., Callable[[Any], None]]) -> str:
    asked = _Asked()
    ask({"by": NORTH, "at": LATER})(asked)
    return str(asked.__dict__["name"])
