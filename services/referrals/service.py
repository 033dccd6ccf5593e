"""Referrals, put together: what it publishes, shows, answers to, and its doors."""

from typing import TYPE_CHECKING

from services.referrals.api import router
from services.referrals.commands import Commands
from services.referrals.domain.referral import Referral
from services.referrals.projections import Deadlines, ReferralRow
from services.referrals.queries import Queries
from services.referrals.reactions import (
    cancel_visit,
    miss_visit,
    move_visit,
    reinstate_visit,
    schedule_visit,
    withdraw_visit,
)
from shared.contracts.referrals import (
    ReferralAccepted,
    ReferralCancellationConfirmed,
    ReferralCancellationRequested,
    ReferralDeclined,
    ReferralDrafted,
    ReferralInterimNoteReceived,
    ReferralOutcomeReceived,
    ReferralReviewed,
    ReferralSent,
    ReferralVisitCancelled,
    ReferralVisitMissed,
    ReferralVisitScheduled,
)
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
    AppointmentRetracted,
)
from shared.runtime.service import Published, Reaction, Service
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


class ReferralSettings(Settings):
    """The settings of referrals."""

    due: Deadlines = Deadlines()
    """What is due when, by step and priority: `{"accept": {"routine": "P2D", "urgent": "PT4H", "asap": "PT2H", "stat":
    "PT30M"}, ...}`, ISO 8601 durations; a step that is not named keeps its own. Rebuild the worklist after a change.
    """


def parts(runtime: "Runtime") -> tuple[object, ...]:
    """Its commands and queries."""
    return Commands(log=runtime.log), Queries(documents=runtime.reader)


service = Service(
    name="referrals",
    title="Referrals: the closed loop between two organisations",
    aggregates=(Referral,),
    publishes=(
        Published(Referral.Drafted, ReferralDrafted),
        Published(Referral.Sent, ReferralSent),
        Published(Referral.Accepted, ReferralAccepted),
        Published(Referral.Declined, ReferralDeclined),
        Published(Referral.CancellationRequested, ReferralCancellationRequested),
        Published(Referral.CancellationConfirmed, ReferralCancellationConfirmed),
        Published(Referral.VisitScheduled, ReferralVisitScheduled),
        Published(Referral.VisitMissed, ReferralVisitMissed),
        Published(Referral.VisitCancelled, ReferralVisitCancelled),
        Published(Referral.InterimNoteReceived, ReferralInterimNoteReceived),
        Published(Referral.OutcomeReceived, ReferralOutcomeReceived),
        Published(Referral.Reviewed, ReferralReviewed),
    ),
    projections=(ReferralRow(due=Deadlines()),),
    reactions=(
        Reaction(AppointmentBooked, schedule_visit, action="referral.visit"),
        Reaction(AppointmentRescheduled, move_visit, action="referral.visit"),
        Reaction(AppointmentMissed, miss_visit, action="referral.visit"),
        Reaction(AppointmentReinstated, reinstate_visit, action="referral.visit"),
        Reaction(AppointmentCancelled, cancel_visit, action="referral.visit"),
        Reaction(AppointmentRetracted, withdraw_visit, action="referral.visit"),
    ),
    routers=(router,),
    parts=parts,
    settings=ReferralSettings,
)
