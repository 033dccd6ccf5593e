"""What a consumer does with its messages, and how a message becomes a contract, or shows that it is none."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from shared.contracts.catalogue import contracts as catalogue
from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Contract, Envelope, from_headers
from shared.runtime.bus.wire import Record
from shared.runtime.json import loads


class Unreadable(ValueError):
    """Not a message of ours, or of a contract that is not known here. `source`: the aggregate it names all the same."""

    def __init__(self, why: str, *, source: UUID | None) -> None:
        super().__init__(why)
        self.why = why
        self.source = source


class Listener(Protocol):
    """What a consumer does with its messages."""

    def hears(self, type: str) -> bool:
        """Whether messages of this type (`records.patient.registered.v1`) can be for it: the others are not read."""

    def wants(self, envelope: Envelope) -> bool:
        """Whether this message is for it."""

    async def handle(self, contracts: Sequence[Contract]) -> None:
        """Handles all of them, or raises: then none counts as handled, and any may be given again.

        `Unavailable` and `OSError` say that something is away: it is waited for. Anything else is the message's fault.
        """


class Heard(Struct, frozen=True):
    """A message that the listener wants."""

    record: Record
    contract: Contract

    @property
    def source(self) -> UUID:
        return self.contract.envelope.subject


def read(record: Record, listener: Listener) -> Heard | None:
    """What the message says; None where it is not for the listener. Raises `Unreadable`."""
    source: UUID | None = None
    try:
        if not listener.hears(_type(record)):
            return None
        envelope = from_headers(record.headers, key=record.key)
        _check_place(record, envelope)
        source = envelope.subject
        if not listener.wants(envelope):
            return None
        contract = catalogue()[envelope.type]
        return Heard(record, contract.model_validate(loads(record.value or b"")).within(envelope))
    except (ValueError, KeyError, AttributeError, TypeError) as broken:
        why = str(broken) if isinstance(broken, Misplaced) else type(broken).__name__
        raise Unreadable(why, source=source) from None


def _type(record: Record) -> str:
    for name, value in record.headers:
        if name == "ce_type":
            return str(value, "utf-8")
    raise Misplaced("no type")


class Misplaced(ValueError):
    """It says of itself what cannot be so: nothing it says is believed, not even whose it is."""


def _check_place(record: Record, envelope: Envelope) -> None:
    """A key of its own would be a way past its aggregate's order; a type of another service's, past its owner."""
    if envelope.key != (envelope.patient_id or envelope.subject_id):
        raise Misplaced("another key")
    if envelope.id != f"{envelope.subject_id}.{envelope.sequence}" or envelope.sequence < 1:
        raise Misplaced("another id")
    service = envelope.type.split(".", 1)[0]
    if envelope.service != service or record.topic != topic_of(service):
        raise Misplaced("another topic")


def header(record: Record, name: str) -> bytes | None:
    """A header's value, as it came."""
    said: Mapping[str, bytes | None] = dict(record.headers)
    return said.get(name)
