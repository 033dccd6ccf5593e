"""Typed ids. Aggregates born at the edge get time-ordered ids; what must be unique gets an id made of its name."""

from typing import NewType
from uuid import UUID, uuid5

AggregateId = UUID
PatientId = NewType("PatientId", UUID)
OrganizationId = NewType("OrganizationId", str)
EventId = NewType("EventId", str)

_NAMES = UUID("6f0c1d0e-3c52-5b0a-9d55-0c2f3a1be7a4")


def named_id(*parts: str) -> UUID:
    """The id of the thing with this name: the same parts give the same id, for ever and everywhere (UUID version 5)."""
    return uuid5(_NAMES, "\x1f".join(parts))


def new_id(*, milliseconds: int, random: bytes) -> UUID:
    """A time-ordered id (UUID version 7, RFC 9562) from a Unix time in milliseconds and ten random bytes."""
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def event_id(aggregate: UUID, version: int) -> EventId:
    """An event's id, `<aggregate>.<version>`: it says where in the log the event stands."""
    return EventId(f"{aggregate}.{version}")
