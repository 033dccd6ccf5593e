"""Notifications, put together: what it publishes, shows, answers to, and its doors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import AfterValidator, Field

from services.notifications.api import router
from services.notifications.commands import Commands
from services.notifications.domain.message import Message
from services.notifications.domain.patience import Patience
from services.notifications.domain.preferences import Preferences
from services.notifications.edges.channels.port import channel_at
from services.notifications.projections import MessageRow
from services.notifications.queries import Queries
from services.notifications.reactions import (
    tell_of_acceptance,
    tell_of_appointment,
    tell_of_cancellation,
    tell_of_move,
    tell_of_outcome,
    tell_of_refusal,
)
from shared.contracts.notifications import (
    MessageAbandoned,
    MessageAttempted,
    MessageFailed,
    MessageQueued,
    MessageSent,
    PreferencesChanged,
    PreferencesSet,
)
from shared.contracts.referrals import ReferralAccepted, ReferralDeclined, ReferralOutcomeReceived
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from shared.runtime.service import Published, Reaction, Service
from shared.runtime.settings import Secret, Settings

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


def _channel(address: str) -> str:
    channel_at(address, sender="carelog@localhost")
    return address


class NotificationsSettings(Settings):
    """The settings of notifications."""

    channel: Annotated[Secret, AfterValidator(_channel)]
    """How letters leave: `folder:<path>`, or `smtp://[user@]host[:port]` (`services.notifications.edges.channels`)."""
    channel_password: Annotated[str, Field(repr=False)] = ""
    """The password of the SMTP user, where it is not in the address."""
    sender: Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")] = "carelog@localhost"
    """The address that letters come from."""


def _reachable(event: Preferences.Set | Preferences.Changed) -> Mapping[str, Any]:
    """What is wanted, and whether there is an address, not which."""
    return {**vars(event.wanted), "reachable": event.wanted.email is not None}


def parts(runtime: "Runtime") -> tuple[object, ...]:
    """Its commands, with the channel that they send through, and its queries."""
    settings = cast(NotificationsSettings, runtime.settings)
    channel = channel_at(settings.channel, sender=settings.sender, password=settings.channel_password or None)
    return (
        Commands(log=runtime.log, channel=channel, patience=Patience()),
        Queries(documents=runtime.reader),
    )


service = Service(
    name="notifications",
    title="Notifications: contact preferences, and messages to patients",
    aggregates=(Preferences, Message),
    publishes=(
        Published(Preferences.Set, PreferencesSet, shape=_reachable),
        Published(Preferences.Changed, PreferencesChanged, shape=_reachable),
        Published(Message.Queued, MessageQueued),
        Published(Message.Attempted, MessageAttempted),
        Published(Message.Sent, MessageSent),
        Published(Message.Failed, MessageFailed),
        Published(Message.Abandoned, MessageAbandoned),
    ),
    projections=(MessageRow(),),
    reactions=(
        Reaction(AppointmentBooked, tell_of_appointment, action="message.send"),
        Reaction(AppointmentRescheduled, tell_of_move, action="message.send"),
        Reaction(AppointmentCancelled, tell_of_cancellation, action="message.send"),
        Reaction(ReferralAccepted, tell_of_acceptance, action="message.send"),
        Reaction(ReferralDeclined, tell_of_refusal, action="message.send"),
        Reaction(ReferralOutcomeReceived, tell_of_outcome, action="message.send"),
    ),
    timers={"send": "message.send"},
    routers=(router,),
    parts=parts,
    settings=NotificationsSettings,
)
