"""What referrals does when others speak: an appointment that carries a referral's id moves it, as its recipient's word.

Where the referral cannot take the step (it stands elsewhere, or its visit is another one), the refusal is the outcome.
Each contract is heard on its own, so they may come in another order than they were said in; their `sequence` tells.
"""

from datetime import datetime
from uuid import UUID

from services.referrals.commands import Commands
from services.referrals.domain.visits import Visit
from shared.contracts.envelope import Contract
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
    AppointmentRetracted,
)
from shared.runtime.mandate import Mandate


async def schedule_visit(booked: AppointmentBooked, *, commands: Commands, mandate: Mandate) -> object:
    if (referral := _wanted_by(booked)) is None:
        return None
    return await commands.schedule(mandate=mandate, referral=referral, visit=_visit(booked, start=booked.start))


async def move_visit(moved: AppointmentRescheduled, *, commands: Commands, mandate: Mandate) -> object:
    if (referral := _wanted_by(moved)) is None:
        return None
    return await commands.schedule(mandate=mandate, referral=referral, visit=_visit(moved, start=moved.start))


async def miss_visit(missed: AppointmentMissed, *, commands: Commands, mandate: Mandate) -> object:
    if (referral := _wanted_by(missed)) is None:
        return None
    return await commands.no_show(mandate=mandate, referral=referral, visit=_visit(missed))


async def reinstate_visit(reinstated: AppointmentReinstated, *, commands: Commands, mandate: Mandate) -> object:
    """It was not missed after all: scheduled again, at the time that is known."""
    if (referral := _wanted_by(reinstated)) is None:
        return None
    return await commands.schedule(mandate=mandate, referral=referral, visit=_visit(reinstated))


async def cancel_visit(cancelled: AppointmentCancelled, *, commands: Commands, mandate: Mandate) -> object:
    if (referral := _wanted_by(cancelled)) is None:
        return None
    return await commands.cancel_visit(
        mandate=mandate, referral=referral, reason=cancelled.reason, visit=_visit(cancelled)
    )


async def withdraw_visit(retracted: AppointmentRetracted, *, commands: Commands, mandate: Mandate) -> object:
    """It never was one: to the referral that is a visit which will not take place."""
    if (referral := _wanted_by(retracted)) is None:
        return None
    return await commands.cancel_visit(
        mandate=mandate, referral=referral, reason=retracted.reason, visit=_visit(retracted)
    )


def _wanted_by(said: Contract) -> UUID | None:
    """The referral that wanted the appointment; most have none."""
    referral = said.envelope.links.get("referral")
    return UUID(referral) if referral else None


def _visit(said: Contract, *, start: datetime | None = None) -> Visit:
    return Visit(appointment=said.envelope.subject, sequence=said.envelope.sequence, start=start)
