"""What notifications shows: the messages of a patient, and how far each has come. Preferences are in the log alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import Contract, Envelope
from shared.contracts.notifications import (
    MessageAbandoned,
    MessageAttempted,
    MessageFailed,
    MessageQueued,
    MessageSent,
)
from shared.runtime.documents.port import Kind
from shared.runtime.projection import Documents, Shown


@dataclass(frozen=True)
class MessageState:
    patient: str
    organization: str
    queued_at: datetime
    about_type: str = ""
    about_id: str = ""
    template: str = ""
    channel: str = ""
    status: str = "queued"
    attempts: int = 0
    failure: str | None = None
    abandonment: str | None = None
    attempted_at: datetime | None = None
    over_at: datetime | None = None


class MessageRow(Documents[MessageState]):
    """A message, found by its patient, the newest first."""

    name = "messages"
    hears = ("notifications",)
    fields: ClassVar[Mapping[str, Kind]] = {
        "patient": "text",
        "organization": "text",
        "status": "text",
        "queued_at": "time",
    }
    indexes: ClassVar[Sequence[Sequence[str]]] = (
        ("patient", "queued_at"),
        ("organization", "queued_at"),
        ("organization", "status", "queued_at"),
    )

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate == "notifications.message" else ()

    def fold(self, state: MessageState | None, contract: Contract) -> MessageState:
        envelope = contract.envelope
        message = state or MessageState(str(envelope.patient), envelope.organization, envelope.time)
        match contract:
            case MessageQueued():
                return replace(
                    message,
                    about_type=contract.about.type,
                    about_id=str(contract.about.id),
                    template=contract.template,
                    channel=contract.channel,
                )
            case MessageAttempted():
                return replace(message, status="sending", attempts=contract.attempt, attempted_at=envelope.time)
            case MessageSent():
                return replace(message, status="sent", over_at=envelope.time)
            case MessageFailed():
                return replace(message, status="failed", failure=contract.reason)
            case MessageAbandoned():
                return replace(message, status="abandoned", abandonment=contract.reason, over_at=envelope.time)
            case _:
                return message

    def render(self, id: str, states: Mapping[str, MessageState]) -> Shown | None:
        message = states[id]
        found_by = {"patient": message.patient, "organization": message.organization, "status": message.status}
        return Shown(
            body={
                **found_by,
                "id": id,
                "about": {"type": message.about_type, "id": message.about_id},
                "template": message.template,
                "channel": message.channel,
                "attempts": message.attempts,
                "failure": message.failure,
                "abandonment": message.abandonment,
                "queued_at": _text(message.queued_at),
                "attempted_at": _text(message.attempted_at),
                "over_at": _text(message.over_at),
            },
            fields={**found_by, "queued_at": message.queued_at},
        )


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
