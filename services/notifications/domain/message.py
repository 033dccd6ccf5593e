"""Message: something a patient is to be told, and every attempt to do so. It knows no address.

*Queued* until it is first tried; *sending* while an attempt has no outcome; *failed* when it will be tried again; at
last *sent*, or *abandoned* with a reason.
"""

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from services.notifications.domain.letter import PERMANENT, Reason
from services.notifications.domain.patience import Patience
from services.notifications.domain.words import Template
from shared.kernel import Aggregate, AggregateId, Birth, Event, PatientId, Refused

Status = Literal["queued", "sending", "failed", "sent", "abandoned"]
Abandonment = Literal["no-address", "opted-out", "refused", "tries-used-up"]


class MessageOver(Refused):
    """The message was sent or abandoned: there is nothing left to do."""


class AttemptOver(Refused):
    """The attempt has its outcome, or another one has taken its place."""


class About(BaseModel):
    """What a message is about: an aggregate of another service."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: AggregateId


class Message(Aggregate):
    """To one patient, about one thing, by e-mail."""

    TOPIC = "notifications.message"

    class Queued(Birth):
        TOPIC: ClassVar[str] = "notifications.message.queued"
        patient: PatientId
        about: About
        template: Template
        channel: Literal["email"]
        start: datetime | None = None

    class Attempted(Event):
        TOPIC: ClassVar[str] = "notifications.message.attempted"
        attempt: int

    class Sent(Event):
        TOPIC: ClassVar[str] = "notifications.message.sent"
        attempt: int

    class Failed(Event):
        TOPIC: ClassVar[str] = "notifications.message.failed"
        attempt: int
        reason: Reason

    class Abandoned(Event):
        TOPIC: ClassVar[str] = "notifications.message.abandoned"
        reason: Abandonment

    def __init__(self) -> None:
        self.queued: Message.Queued
        self.status: Status = "queued"
        self.attempts = 0
        self.attempted_at: datetime | None = None
        self.failure: Reason | None = None
        self.abandonment: Abandonment | None = None
        self.over_at: datetime | None = None

    @classmethod
    def queue(
        cls,
        *,
        id: AggregateId,
        patient: PatientId,
        about: About,
        template: Template,
        start: datetime | None,
        at: datetime,
    ) -> Self:
        """`start`: when that takes place which the message tells of, by the clocks of the place."""
        return cls._born(
            cls.Queued, id=id, at=at, patient=patient, about=about, template=template, channel="email", start=start
        )

    def begin(self, *, wanted: bool, address: bool, patience: Patience, at: datetime) -> datetime | None:
        """Begins an attempt, waits for an address, or gives up. Returns when to begin again unless an outcome says
        otherwise; None: it is over.

        An attempt that never had an outcome (its process ended) counts as one.
        """
        self._must_not_be_over()
        if not wanted:
            self._abandon("opted-out", at=at)
            return None
        if not address:
            return self._wait_for_address(patience, at=at)
        if self.attempts >= patience.tries:
            self._abandon("tries-used-up", at=at)
            return None
        self._record(Message.Attempted, at=at, attempt=self.attempts + 1)
        return at + patience.answer

    def sent(self, *, attempt: int, at: datetime) -> None:
        """A late word counts: what was sent once, by whichever attempt, is sent."""
        self._must_not_be_over()
        if not 1 <= attempt <= self.attempts:
            raise AttemptOver
        self._record(Message.Sent, at=at, attempt=attempt)

    def fail(self, *, attempt: int, reason: Reason, patience: Patience, at: datetime) -> datetime | None:
        """Returns when to begin again; None: it is over."""
        self._must_not_be_over()
        if self.status != "sending" or attempt != self.attempts:
            raise AttemptOver
        self._record(Message.Failed, at=at, attempt=attempt, reason=reason)
        if reason in PERMANENT:
            self._abandon("refused", at=at)
            return None
        if attempt >= patience.tries:
            self._abandon("tries-used-up", at=at)
            return None
        return at + patience.pauses[attempt - 1]

    def _must_not_be_over(self) -> None:
        if self.status in ("sent", "abandoned"):
            raise MessageOver

    def _wait_for_address(self, patience: Patience, *, at: datetime) -> datetime | None:
        """Each wait doubles the time since it was queued: soon at first, seldom later, and not beyond the end."""
        waited, end = at - self.queued.timestamp, self.queued.timestamp + patience.address
        if at >= end:
            self._abandon("no-address", at=at)
            return None
        return min(at + max(waited, patience.look), end)

    def _abandon(self, reason: Abandonment, *, at: datetime) -> None:
        self._record(Message.Abandoned, at=at, reason=reason)

    def _fold(self, event: Queued | Attempted | Sent | Failed | Abandoned) -> None:
        match event:
            case Message.Queued():
                self.queued = event
            case Message.Attempted():
                self.status = "sending"
                self.attempts = event.attempt
                self.attempted_at = event.timestamp
            case Message.Sent():
                self.status = "sent"
                self.over_at = event.timestamp
            case Message.Failed():
                self.status = "failed"
                self.failure = event.reason
            case Message.Abandoned():
                self.status = "abandoned"
                self.abandonment = event.reason
                self.over_at = event.timestamp
