"""What notifications says: how patients want to be told things, and each attempt to tell them.

No address and no text is in it: addresses stay with the preferences, and are looked up when a message is sent.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import Contract

Topic = Literal["appointments", "referrals"]


class About(BaseModel):
    """What a message is about: an aggregate of another service, such as `scheduling.appointment`, by its id."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    type: str
    id: UUID


class PreferencesSet(Contract):
    """A patient said for the first time whether and how to be told things.

    `channel` is `email`, or `none`: not at all; `reachable`: an address is known; `opted_out`: the topics that the
    patient does not want to hear of. The address itself is nobody else's. For whoever would write to the patient.
    """

    TYPE = "notifications.preferences.set.v1"

    channel: Literal["email", "none"]
    language: str
    reachable: bool
    opted_out: tuple[Topic, ...] = ()


class PreferencesChanged(Contract):
    """The preferences are these now, all of them; those before no longer count. For the same readers."""

    TYPE = "notifications.preferences.changed.v1"

    channel: Literal["email", "none"]
    language: str
    reachable: bool
    opted_out: tuple[Topic, ...] = ()


class MessageQueued(Contract):
    """The patient is to be told something: `template` says what, `about` of which thing.

    `start`, where there is one: when the thing takes place, with the offset of the clocks there. Links: the
    `appointment` or `referral`. For timelines.
    """

    TYPE = "notifications.message.queued.v1"

    about: About
    template: str
    channel: Literal["email"]
    start: datetime | None = None


class MessageAttempted(Contract):
    """It is being sent, for the `attempt`-th time (from 1). Recorded before the channel is asked.

    If no outcome follows, it may have been sent or not; the next attempt has the same Message-ID.
    """

    TYPE = "notifications.message.attempted.v1"

    attempt: int


class MessageSent(Contract):
    """The channel took it. Final; whether it was read is not known."""

    TYPE = "notifications.message.sent.v1"

    attempt: int


class MessageFailed(Contract):
    """The channel did not take it, for a `reason` such as `unreachable` or `recipient-refused`.

    It will be tried again, unless it is abandoned with this.
    """

    TYPE = "notifications.message.failed.v1"

    attempt: int
    reason: str


class MessageAbandoned(Contract):
    """The patient will not be told this way. Final. For who must reach the patient otherwise.

    `no-address`: none was known for days; `opted-out`: the patient does not want it; `refused`: by the other side, for
    good; `tries-used-up`: all attempts failed.
    """

    TYPE = "notifications.message.abandoned.v1"

    reason: Literal["no-address", "opted-out", "refused", "tries-used-up"]


PUBLISHED: tuple[type[Contract], ...] = (
    PreferencesSet,
    PreferencesChanged,
    MessageQueued,
    MessageAttempted,
    MessageSent,
    MessageFailed,
    MessageAbandoned,
)
