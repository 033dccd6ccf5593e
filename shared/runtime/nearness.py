"""What a service knows of others' aggregates: who has a care relationship to whom, and the last thing heard of each.

The runtime fills it from the topics (`relations`); the policy and the log ask it. A protocol, so that tests can say
it.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.kernel import EventId, OrganizationId

OwnPatients = Callable[[OrganizationId, UUID], Awaitable[bool]]
"""whether this service's own log says that the organisation registered the patient"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is known of another service's aggregate: its last event, its story, whose it is, who is near through it."""

    last: EventId
    correlation: UUID
    patient: UUID | None
    near: frozenset[OrganizationId]


class Nearness(Protocol):
    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        """Whether the organisation has a care relationship to the patient, as far as this service has heard."""

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        """The patients that the organisation has a care relationship to."""

    async def heard(self, aggregate: UUID) -> Heard | None:
        """What is known of another service's aggregate; None: nothing yet."""


class Stranger:
    """Knows nothing of anybody: for a service that has heard nothing yet, and for tests."""

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return False

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return ()

    async def heard(self, aggregate: UUID) -> Heard | None:
        return None
