"""Who owes the next step, and how long it may take: a table by step and priority, which the settings can change."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Time = Annotated[timedelta, Field(gt=timedelta(0))]


class Allowed(BaseModel):
    """How long a step may take, by the referral's priority."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routine: Time
    urgent: Time
    asap: Time
    stat: Time


def _allowed(**hours: float) -> Allowed:
    return Allowed(**{priority: timedelta(hours=number) for priority, number in hours.items()})


class Deadlines(BaseModel):
    """What is due when: for each step the time allowed, from when the referral came to stand where it stands.

    A draft is not due: nobody was asked yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accept: Allowed = _allowed(routine=48, urgent=4, asap=2, stat=0.5)
    """The recipient accepts or declines what was sent (2.0)."""
    schedule: Allowed = _allowed(routine=120, urgent=24, asap=8, stat=2)
    """It schedules a visit: after accepting (3.0), after a missed one (5.1.2), after a cancelled one (5.1.3)."""
    outcome: Allowed = _allowed(routine=336, urgent=72, asap=24, stat=12)
    """It says what came of it: after the visit's time (5.1.1), after its last note (5.1.4)."""
    outcome_without_visits: Allowed = _allowed(routine=720, urgent=168, asap=72, stat=24)
    """It says what came of it, where it does not report visits (5.1)."""
    confirm_cancellation: Allowed = _allowed(routine=48, urgent=24, asap=8, stat=4)
    """It confirms that it stopped, or says what came of it all the same (5.2)."""
    review: Allowed = _allowed(routine=168, urgent=48, asap=24, stat=4)
    """The initiator reads the outcome (7.0)."""

    def allowed(self, deadline: str, *, priority: str) -> timedelta:
        time: timedelta = getattr(getattr(self, deadline), priority)
        return time


class Next(NamedTuple):
    """What happens next, whose it is, and which of the deadlines counts."""

    action: str
    side: Literal["initiator", "recipient"]
    deadline: str | None


NEXT: Mapping[str, Next] = {
    "draft": Next("send", "initiator", None),
    "2.0": Next("accept", "recipient", "accept"),
    "3.0": Next("schedule", "recipient", "schedule"),
    "5.1": Next("outcome", "recipient", "outcome_without_visits"),
    "5.1.1": Next("outcome", "recipient", "outcome"),
    "5.1.2": Next("schedule", "recipient", "schedule"),
    "5.1.3": Next("schedule", "recipient", "schedule"),
    "5.1.4": Next("outcome", "recipient", "outcome"),
    "5.2": Next("confirm-cancellation", "recipient", "confirm_cancellation"),
    "7.0": Next("review", "initiator", "review"),
}
"""by where the referral stands; nothing follows 4.0, 6.0, or an outcome that was reviewed"""
