"""What a service knows of others' aggregates: who has a care relationship to whom, and the last thing heard of each.

The runtime fills it from the topics (`relations`); the policy and the log ask it. A protocol, so that tests can say it.
"""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from shared.kernel import EventId, OrganizationId


class Nearness(Protocol):
    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        """Whether the organisation has a care relationship to the patient, as far as this service has heard."""

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        """The patients that the organisation has a care relationship to."""

    async def last_heard(self, aggregate: UUID) -> tuple[EventId, UUID] | None:
        """The last event known of another service's aggregate, and its correlation id."""


class Stranger:
    """Knows nothing of anybody: for a service that has heard nothing yet, and for tests."""

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return False

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return ()

    async def last_heard(self, aggregate: UUID) -> tuple[EventId, UUID] | None:
        return None
