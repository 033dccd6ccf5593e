"""The closed loop as a table: who may do what from where, and where it leads.

Source: BSeR, harmonised with IHE 360X (`HL7/bser`, Harmonized State Transitions); the numbers are its TIDs, all 34. The
standard ends 5.1 without an outcome only, so there is one addition of ours, `OUTCOME_FROM_ACTIVE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.kernel import Refused

Side = Literal["initiator", "recipient"]
TaskStatus = Literal["draft", "received", "accepted", "rejected", "in-progress", "cancelled", "completed"]
BusinessStatus = Literal["2.0", "3.0", "4.0", "5.1", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.2", "6.0", "7.0"]
Place = Literal["draft"] | BusinessStatus
"""where a referral stands; a draft has no business status yet"""

Trigger = Literal[
    "send",
    "accept",
    "decline",
    "request-cancellation",
    "confirm-cancellation",
    "schedule",
    "schedule, without a visit",
    "no-show",
    "cancel-visit",
    "interim-note",
    "interim-note, without a visit",
    "outcome",
]


class NotYours(Refused):
    """The other side of the referral does this."""


class NotSent(Refused):
    """It is a draft: the initiator sends it first."""


class Ended(Refused):
    """It was declined, cancelled or completed: go on with a new referral that is based on this one."""


class NotNow(Refused):
    """This does not follow from where the referral stands."""


OUTCOME_FROM_ACTIVE = "carelog.1"
FINAL: frozenset[Place] = frozenset({"4.0", "6.0", "7.0"})

TASK_STATUS: Mapping[BusinessStatus, TaskStatus] = {
    "2.0": "received",
    "3.0": "accepted",
    "4.0": "rejected",
    "5.1": "in-progress",
    "5.1.1": "in-progress",
    "5.1.2": "in-progress",
    "5.1.3": "in-progress",
    "5.1.4": "in-progress",
    "5.2": "in-progress",
    "6.0": "cancelled",
    "7.0": "completed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one side can say: the business status it leads to, and the TIDs by where the referral may stand before."""

    side: Side
    to: BusinessStatus
    tids: Mapping[Place, str]


# fmt: off
STEPS: Mapping[Trigger, Step] = {
    "send": Step("initiator", "2.0", {"draft": "01"}),
    "accept": Step("recipient", "3.0", {"2.0": "02"}),
    "decline": Step("recipient", "4.0", {
        "2.0": "03", "3.0": "05", "5.1": "33", "5.1.1": "10", "5.1.2": "17", "5.1.4": "25"}),
    "request-cancellation": Step("initiator", "5.2", {
        "2.0": "04", "3.0": "07", "5.1": "34", "5.1.1": "14", "5.1.2": "20", "5.1.3": "22", "5.1.4": "28"}),
    "confirm-cancellation": Step("recipient", "6.0", {"5.2": "23"}),
    "schedule": Step("recipient", "5.1.1", {"3.0": "06", "5.1.1": "11", "5.1.2": "18", "5.1.3": "21", "5.1.4": "26"}),
    "schedule, without a visit": Step("recipient", "5.1", {"3.0": "31"}),
    "no-show": Step("recipient", "5.1.2", {"5.1.1": "12"}),
    "cancel-visit": Step("recipient", "5.1.3", {"5.1.1": "13", "5.1.2": "19", "5.1.4": "27"}),
    "interim-note": Step("recipient", "5.1.4", {"3.0": "08", "5.1.1": "15", "5.1.4": "29"}),
    "interim-note, without a visit": Step("recipient", "5.1", {"3.0": "32"}),
    "outcome": Step("recipient", "7.0", {
        "3.0": "09", "5.1.1": "16", "5.1.4": "30", "5.2": "24", "5.1": OUTCOME_FROM_ACTIVE}),
}
# fmt: on


def transition(trigger: Trigger, *, place: Place, side: Side) -> str:
    """The TID of what this side wants to say where the referral stands. Raises the rule that forbids it."""
    step = STEPS[trigger]
    if side != step.side:
        raise NotYours
    if place in step.tids:
        return step.tids[place]
    if place == "draft":
        raise NotSent
    if place in FINAL:
        raise Ended
    raise NotNow(f"It stands at {place}. From there the {side} can say: {'; '.join(_sayable(place, side))}.")


def _sayable(place: Place, side: Side) -> list[str]:
    return [trigger for trigger, step in STEPS.items() if step.side == side and place in step.tids] or ["nothing"]
