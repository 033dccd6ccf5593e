"""Two organisations, a draft, and what brings a referral to each place: by hand, so that no table of ours helps."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.referrals.domain.referral import Referral
from services.referrals.domain.terms import Coding, Concept
from shared.kernel import OrganizationId
from tests.support.scenario import SOME_ID, SOME_TIME, Said, said

NORTH = OrganizationId("north-clinic")
HEART = OrganizationId("heart-centre")
STRANGER = OrganizationId("south-clinic")

VISIT = UUID("00000000-0000-7000-8000-00000000000a")
OTHER_VISIT = UUID("00000000-0000-7000-8000-00000000000b")
VISIT_START = SOME_TIME + timedelta(days=3)

CARDIOLOGY = Concept(text="Cardiology", coding=(Coding(system="http://snomed.info/sct", code="183519002"),))
MURMUR = Concept(text="Murmur, getting louder")

WISH: dict[str, Any] = {
    "initiator": NORTH, "recipient": HEART, "service": CARDIOLOGY, "priority": "routine", "reason": MURMUR,
}  # fmt: skip

DRAFTED = said(Referral.Drafted, **WISH)


def moved(event: type[Any], status: str, business_status: str, **facts: Any) -> Said:
    """A step as it was stored once, with whatever transition."""
    return said(event, status=status, business_status=business_status, transition="00", **facts)


SENT = moved(Referral.Sent, "received", "2.0", initiator=NORTH, recipient=HEART)
ACCEPTED = moved(Referral.Accepted, "accepted", "3.0")
DECLINED = moved(Referral.Declined, "rejected", "4.0", reason="We have no room.")
SCHEDULED = moved(Referral.VisitScheduled, "in-progress", "5.1.1", appointment=VISIT, start=VISIT_START)
MISSED = moved(Referral.VisitMissed, "in-progress", "5.1.2", appointment=VISIT)
CANCELLED = moved(Referral.VisitCancelled, "in-progress", "5.1.3", appointment=VISIT, reason="The machine is broken.")
NOTED = moved(Referral.InterimNoteReceived, "in-progress", "5.1.4", appointment=VISIT, note="Seen; an echo follows.")
STOPPING = moved(Referral.CancellationRequested, "in-progress", "5.2", reason="The patient has moved.")
STOPPED = moved(Referral.CancellationConfirmed, "cancelled", "6.0")
OUTCOME = moved(Referral.OutcomeReceived, "completed", "7.0", note="No stenosis.", references=("DiagnosticReport/1",))
REVIEWED = said(Referral.Reviewed)

HISTORIES: dict[str, tuple[Said, ...]] = {
    "draft": (DRAFTED,),
    "2.0": (DRAFTED, SENT),
    "3.0": (DRAFTED, SENT, ACCEPTED),
    "4.0": (DRAFTED, SENT, DECLINED),
    "5.1": (DRAFTED, SENT, ACCEPTED, moved(Referral.VisitScheduled, "in-progress", "5.1")),
    "5.1.1": (DRAFTED, SENT, ACCEPTED, SCHEDULED),
    "5.1.2": (DRAFTED, SENT, ACCEPTED, SCHEDULED, MISSED),
    "5.1.3": (DRAFTED, SENT, ACCEPTED, SCHEDULED, CANCELLED),
    "5.1.4": (DRAFTED, SENT, ACCEPTED, SCHEDULED, NOTED),
    "5.2": (DRAFTED, SENT, ACCEPTED, STOPPING),
    "6.0": (DRAFTED, SENT, ACCEPTED, STOPPING, STOPPED),
    "7.0": (DRAFTED, SENT, ACCEPTED, SCHEDULED, OUTCOME),
    "reviewed": (DRAFTED, SENT, ACCEPTED, SCHEDULED, OUTCOME, REVIEWED),
}
"""every place a referral can stand at, with what may have brought it there"""


def standing_at(place: str) -> Referral:
    """A referral of its own, brought to this place."""
    aggregate: Any = None
    for version, fact in enumerate(HISTORIES[place], start=1):
        envelope = {"originator_id": SOME_ID, "originator_version": version, "timestamp": SOME_TIME}
        birth = {"originator_topic": Referral.TOPIC} if version == 1 else {}
        aggregate = fact.event(**envelope, **birth, **fact.fields).mutate(aggregate)
    return aggregate  # type: ignore[no-any-return]
