"""A referral: what it asks for, who takes part, where it stands, and what each side may do next.

The decisions consult the table in `loop`; what came of them is in the events, so a later table cannot change the past.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from services.referrals.domain.loop import (
    FINAL,
    STEPS,
    TASK_STATUS,
    BusinessStatus,
    NotYours,
    Place,
    Side,
    TaskStatus,
    Trigger,
    transition,
)
from services.referrals.domain.terms import Concept, Period
from services.referrals.domain.visits import Visit, Visits
from shared.kernel import Aggregate, AggregateId, Birth, Event, OrganizationId, Refused

Priority = Literal["routine", "urgent", "asap", "stat"]


class ReferredToOneself(Refused):
    """Initiator and recipient are the same organisation: refer to another one."""


class ReasonMissing(Refused):
    """Say the reason, in words."""


class NoOutcome(Refused):
    """There is no outcome to review."""


class ReviewedBefore(Refused):
    """The outcome was reviewed and the loop closed before."""


class Moved(Event):
    """A step of the loop: where the referral stands after it, and the TID of the transition."""

    status: TaskStatus
    business_status: BusinessStatus
    transition: str


class VisitMoved(Moved):
    """A step by the word of an appointment, at its version `sequence`; or of the recipient itself, without one."""

    appointment: AggregateId | None = None
    sequence: int | None = None


class Referral(Aggregate):
    """Between two organisations, about one patient."""

    TOPIC = "referrals.referral"

    class Drafted(Birth):
        TOPIC: ClassVar[str] = "referrals.referral.drafted"
        initiator: OrganizationId
        recipient: OrganizationId
        service: Concept
        priority: Priority
        reason: Concept
        occurrence: Period | None = None
        based_on: AggregateId | None = None

    class Sent(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.sent"
        initiator: OrganizationId
        recipient: OrganizationId

    class Accepted(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.accepted"

    class Declined(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.declined"
        reason: str

    class CancellationRequested(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.cancellation-requested"
        reason: str

    class CancellationConfirmed(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.cancellation-confirmed"

    class VisitScheduled(VisitMoved):
        TOPIC: ClassVar[str] = "referrals.referral.visit-scheduled"
        start: datetime | None = None

    class VisitMissed(VisitMoved):
        TOPIC: ClassVar[str] = "referrals.referral.visit-missed"

    class VisitCancelled(VisitMoved):
        TOPIC: ClassVar[str] = "referrals.referral.visit-cancelled"
        reason: str

    class InterimNoteReceived(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.interim-note-received"
        note: str
        references: tuple[str, ...] = ()
        appointment: AggregateId | None = None
        start: datetime | None = None

    class OutcomeReceived(Moved):
        TOPIC: ClassVar[str] = "referrals.referral.outcome-received"
        note: str
        references: tuple[str, ...] = ()

    class Reviewed(Event):
        TOPIC: ClassVar[str] = "referrals.referral.reviewed"
        note: str | None = None

    def __init__(self) -> None:
        self.asked: Referral.Drafted
        self.status: TaskStatus = "draft"
        self.business_status: BusinessStatus | None = None
        self.since: datetime
        self.visits = Visits()
        self.reason: str | None = None
        self.notes: tuple[Referral.InterimNoteReceived, ...] = ()
        self.outcome: Referral.OutcomeReceived | None = None
        self.review_note: str | None = None
        self.reviewed = False

    @property
    def place(self) -> Place:
        return self.business_status or "draft"

    @property
    def closed(self) -> bool:
        """Nobody has anything left to do."""
        return self.place in FINAL and (self.place != "7.0" or self.reviewed)

    @property
    def parties(self) -> frozenset[OrganizationId]:
        """The recipient takes part once it was sent to: a draft is its initiator's alone."""
        recipient = () if self.place == "draft" else (self.asked.recipient,)
        return frozenset((self.asked.initiator, *recipient))

    # decisions -------------------------------------------------------------------------------------------------------

    @classmethod
    def draft(
        cls,
        *,
        id: AggregateId,
        at: datetime,
        initiator: OrganizationId,
        recipient: OrganizationId,
        service: Concept,
        priority: Priority,
        reason: Concept,
        occurrence: Period | None = None,
        based_on: AggregateId | None = None,
    ) -> Self:
        if initiator == recipient:
            raise ReferredToOneself
        facts = {"service": service, "priority": priority, "reason": reason, "occurrence": occurrence}
        return cls._born(
            cls.Drafted, id=id, at=at, initiator=initiator, recipient=recipient, based_on=based_on, **facts
        )

    def send(self, *, by: OrganizationId, at: datetime) -> None:
        to = {"initiator": self.asked.initiator, "recipient": self.asked.recipient}
        self._move(Referral.Sent, "send", by=by, at=at, **to)

    def accept(self, *, by: OrganizationId, at: datetime) -> None:
        self._move(Referral.Accepted, "accept", by=by, at=at)

    def decline(self, *, by: OrganizationId, at: datetime, reason: str) -> None:
        self._move(Referral.Declined, "decline", by=by, at=at, reason=_stated(reason))

    def request_cancellation(self, *, by: OrganizationId, at: datetime, reason: str) -> None:
        self._move(Referral.CancellationRequested, "request-cancellation", by=by, at=at, reason=_stated(reason))

    def confirm_cancellation(self, *, by: OrganizationId, at: datetime) -> None:
        self._move(Referral.CancellationConfirmed, "confirm-cancellation", by=by, at=at)

    def schedule(self, *, by: OrganizationId, at: datetime, visit: Visit | None = None) -> None:
        """The first visit or another one; without one the recipient works on it and does not report visits."""
        to_come = self.visits.to_come(visit)
        trigger: Trigger = "schedule" if to_come else "schedule, without a visit"
        facts = asdict(to_come) if to_come else {}
        self._move(Referral.VisitScheduled, trigger, by=by, at=at, **facts)

    def no_show(self, *, by: OrganizationId, at: datetime, visit: Visit | None = None) -> None:
        """Without a visit it is the known one that was missed."""
        meant = self.visits.meant(visit)
        facts = {"appointment": meant.appointment, "sequence": meant.sequence}
        self._move(Referral.VisitMissed, "no-show", by=by, at=at, **facts)

    def cancel_visit(self, *, by: OrganizationId, at: datetime, reason: str, visit: Visit | None = None) -> None:
        """Without a visit it is the known one that will not take place."""
        meant = self.visits.meant(visit)
        facts = {"appointment": meant.appointment, "sequence": meant.sequence, "reason": _stated(reason)}
        self._move(Referral.VisitCancelled, "cancel-visit", by=by, at=at, **facts)

    def interim_note(
        self,
        *,
        by: OrganizationId,
        at: datetime,
        note: str,
        references: tuple[str, ...] = (),
        visit: Visit | None = None,
    ) -> None:
        """A note of a visit, named or known; of none where the recipient does not report visits."""
        trigger: Trigger = "interim-note" if visit or self.visits.known else "interim-note, without a visit"
        of = {"appointment": visit.appointment, "start": visit.start} if visit else {}
        self._move(Referral.InterimNoteReceived, trigger, by=by, at=at, note=note, references=references, **of)

    def give_outcome(self, *, by: OrganizationId, at: datetime, note: str, references: tuple[str, ...] = ()) -> None:
        self._move(Referral.OutcomeReceived, "outcome", by=by, at=at, note=note, references=references)

    def review(self, *, by: OrganizationId, at: datetime, note: str | None = None) -> None:
        """Closes the loop. Our own, after the standard's last step."""
        if self._side(by) != "initiator":
            raise NotYours
        if self.outcome is None:
            raise NoOutcome
        if self.reviewed:
            raise ReviewedBefore
        self._record(Referral.Reviewed, at=at, note=note)

    def _move(self, event: type[Moved], trigger: Trigger, *, by: OrganizationId, at: datetime, **facts: Any) -> None:
        to = STEPS[trigger].to
        tid = transition(trigger, place=self.place, side=self._side(by))
        self._record(event, at=at, status=TASK_STATUS[to], business_status=to, transition=tid, **facts)

    def _side(self, by: OrganizationId) -> Side:
        if by not in (self.asked.initiator, self.asked.recipient):
            raise NotYours
        return "initiator" if by == self.asked.initiator else "recipient"

    # folds -----------------------------------------------------------------------------------------------------------

    def _fold(self, event: Event) -> None:
        self.since = event.timestamp
        if isinstance(event, Moved):
            self.status = event.status
            self.business_status = event.business_status
        match event:
            case Referral.Drafted():
                self.asked = event
            case Referral.Declined() | Referral.CancellationRequested():
                self.reason = event.reason
            case Referral.VisitScheduled():
                self.visits = self.visits.knowing(
                    Visit(appointment=event.appointment, start=event.start, sequence=event.sequence)
                )
            case Referral.VisitMissed() | Referral.VisitCancelled():
                self.visits = self.visits.hearing(Visit(appointment=event.appointment, sequence=event.sequence))
            case Referral.InterimNoteReceived():
                self.notes = (*self.notes, event)
                if event.appointment or event.start:
                    self.visits = self.visits.knowing(Visit(appointment=event.appointment, start=event.start))
            case Referral.OutcomeReceived():
                self.outcome = event
            case Referral.Reviewed():
                self.reviewed = True
                self.review_note = event.note
            case _:
                pass  # where it stands is all that changed


def _stated(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing
    return reason
