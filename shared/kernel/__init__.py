"""The bases that a domain stands on: aggregates and events, errors, typed ids. Pure: no clock, no I/O."""

from shared.kernel.actor import Actor, Origin, Purpose, Role
from shared.kernel.aggregate import Aggregate, Birth, Event, event_class
from shared.kernel.errors import (
    CarelogError,
    Denied,
    Field,
    Gone,
    Invalid,
    NotFound,
    Refused,
    Stale,
    TooLarge,
    Unavailable,
)
from shared.kernel.ids import (
    AggregateId,
    EventId,
    OrganizationId,
    PatientId,
    event_id,
    named_id,
    new_id,
)

__all__ = [
    "Actor",
    "Aggregate",
    "AggregateId",
    "Birth",
    "CarelogError",
    "Denied",
    "Event",
    "EventId",
    "Field",
    "Gone",
    "Invalid",
    "NotFound",
    "OrganizationId",
    "Origin",
    "PatientId",
    "Purpose",
    "Refused",
    "Role",
    "Stale",
    "TooLarge",
    "Unavailable",
    "event_class",
    "event_id",
    "named_id",
    "new_id",
]
