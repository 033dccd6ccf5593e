"""What notifications does when others speak: it tells the patient. What has no patient is nobody's to be told."""

from datetime import datetime
from uuid import UUID

from services.notifications.commands import Commands
from services.notifications.domain.message import About
from services.notifications.domain.words import Template
from shared.contracts.envelope import Contract
from shared.contracts.referrals import ReferralAccepted, ReferralDeclined, ReferralOutcomeReceived
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from shared.runtime.mandate import Mandate


async def tell_of_appointment(booked: AppointmentBooked, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, booked, "appointment-booked", start=booked.start)


async def tell_of_move(moved: AppointmentRescheduled, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, moved, "appointment-moved", start=moved.start)


async def tell_of_cancellation(cancelled: AppointmentCancelled, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, cancelled, "appointment-cancelled")


async def tell_of_acceptance(accepted: ReferralAccepted, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, accepted, "referral-accepted")


async def tell_of_refusal(declined: ReferralDeclined, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, declined, "referral-declined")


async def tell_of_outcome(received: ReferralOutcomeReceived, *, commands: Commands, mandate: Mandate) -> object:
    return await _tell(commands, mandate, received, "referral-outcome")


async def _tell(
    commands: Commands, mandate: Mandate, said: Contract, template: Template, *, start: datetime | None = None
) -> object:
    envelope = said.envelope
    if envelope.patient is None:
        return None
    links = {name: UUID(id) for name, id in envelope.links.items()}
    own = envelope.aggregate.rsplit(".", 1)[-1]
    return await commands.queue(
        mandate=mandate,
        patient=envelope.patient,
        about=About(type=envelope.aggregate, id=envelope.subject),
        template=template,
        links={**links, own: envelope.subject},
        start=start,
    )
