"""What referrals says: the closed loop of a referral, from its draft to the initiator's review of the outcome.

The states are BSeR's, harmonised with IHE 360X (`HL7/bser`, Harmonized State Transitions): a FHIR Task status, a
business status, and for each step the number of the transition that was taken (its TID).
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import Contract

Priority = Literal["routine", "urgent", "asap", "stat"]
"""FHIR request-priority, the least pressing first."""

TaskStatus = Literal["draft", "received", "accepted", "rejected", "in-progress", "cancelled", "completed"]
"""FHIR Task.status, as far as a referral takes it."""

BusinessStatus = Literal["2.0", "3.0", "4.0", "5.1", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.2", "6.0", "7.0"]
"""BSeR TaskBusinessStatus.

2.0 created (sent), 3.0 accepted, 4.0 declined, 5.1 active without reported visits, 5.1.1 visit scheduled, 5.1.2 visit
missed, 5.1.3 visit cancelled, 5.1.4 visit completed, 5.2 cancellation requested, 6.0 cancelled, 7.0 completed. A draft
has none.
"""


class Coding(BaseModel):
    """A code of a terminology (FHIR R4 Coding)."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    code: str
    system: str | None = None
    display: str | None = None


class Concept(BaseModel):
    """Something said in words, in codes or both (FHIR R4 CodeableConcept)."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    text: str | None = None
    coding: tuple[Coding, ...] = ()


class Period(BaseModel):
    """From when to when (FHIR R4 Period); either end may be open."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    start: datetime | None = None
    end: datetime | None = None


class ReferralDrafted(Contract):
    """An organisation wrote down that it wants a service for the patient. The recipient knows nothing of it yet.

    `initiator` and `recipient` are organisations and never change. `service` is what is asked for, `reason` why,
    `occurrence` when it is wanted; `based_on` is an older referral that this one goes on from. For timelines and
    worklists.
    """

    TYPE = "referrals.referral.drafted.v1"

    initiator: str
    recipient: str
    service: Concept
    priority: Priority
    reason: Concept
    occurrence: Period | None = None
    based_on: UUID | None = None
    status: TaskStatus = "draft"


class ReferralStep(Contract):
    """A step of the loop: where the referral stands after it, and which transition it was.

    `transition` is the standard's TID, `01` to `34`; `carelog.1` is the one addition of ours, an outcome from 5.1.
    """

    status: TaskStatus
    business_status: BusinessStatus
    transition: str


class ReferralSent(ReferralStep):
    """The referral went to its recipient, which has a care relationship to the patient from now on. For all."""

    TYPE = "referrals.referral.sent.v1"

    initiator: str
    recipient: str


class ReferralAccepted(ReferralStep):
    """The recipient takes the referral on. For whoever plans visits, or tells the patient."""

    TYPE = "referrals.referral.accepted.v1"


class ReferralDeclined(ReferralStep):
    """The recipient will not do it, or not go on. Final; its care relationship ends. `reason` in words."""

    TYPE = "referrals.referral.declined.v1"

    reason: str


class ReferralCancellationRequested(ReferralStep):
    """The initiator asks to stop. The recipient confirms, or delivers the outcome all the same. `reason` in words."""

    TYPE = "referrals.referral.cancellation-requested.v1"

    reason: str


class ReferralCancellationConfirmed(ReferralStep):
    """The recipient stopped as it was asked to. Final; its care relationship ends."""

    TYPE = "referrals.referral.cancellation-confirmed.v1"


class ReferralVisitScheduled(ReferralStep):
    """A visit has a new time, the first or another one.

    `appointment` is one of scheduling's; absent where the recipient's calendar is elsewhere. `start` is an instant with
    its offset. Neither: the recipient works on it without reporting visits (5.1).
    """

    TYPE = "referrals.referral.visit-scheduled.v1"

    appointment: UUID | None = None
    start: datetime | None = None


class ReferralVisitMissed(ReferralStep):
    """The patient did not come to the visit. The recipient schedules another one, or declines."""

    TYPE = "referrals.referral.visit-missed.v1"

    appointment: UUID | None = None


class ReferralVisitCancelled(ReferralStep):
    """The visit will not take place; the referral goes on. `reason` in words."""

    TYPE = "referrals.referral.visit-cancelled.v1"

    reason: str
    appointment: UUID | None = None


class ReferralInterimNoteReceived(ReferralStep):
    """The recipient reports before it is done, after a visit (5.1.4) or without reporting visits (5.1).

    `references` are FHIR references to what records holds, such as `DocumentReference/<id>`.
    """

    TYPE = "referrals.referral.interim-note-received.v1"

    note: str
    references: tuple[str, ...] = ()
    appointment: UUID | None = None
    start: datetime | None = None


class ReferralOutcomeReceived(ReferralStep):
    """The recipient is done and says what came of it. The loop is closed when the initiator has reviewed it.

    `references` are FHIR references to what records holds, such as `DiagnosticReport/<id>`. For quality measures
    (CMS50).
    """

    TYPE = "referrals.referral.outcome-received.v1"

    note: str
    references: tuple[str, ...] = ()


class ReferralReviewed(Contract):
    """The initiator has read the outcome: the loop is closed. A step of Carelog after 7.0; the statuses stay."""

    TYPE = "referrals.referral.reviewed.v1"

    note: str | None = None


PUBLISHED: tuple[type[Contract], ...] = (
    ReferralDrafted,
    ReferralSent,
    ReferralAccepted,
    ReferralDeclined,
    ReferralCancellationRequested,
    ReferralCancellationConfirmed,
    ReferralVisitScheduled,
    ReferralVisitMissed,
    ReferralVisitCancelled,
    ReferralInterimNoteReceived,
    ReferralOutcomeReceived,
    ReferralReviewed,
)
