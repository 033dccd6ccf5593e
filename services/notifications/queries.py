"""What can be asked of notifications' documents. One message by its id, and preferences, are told by the log."""

from uuid import UUID

from services.notifications.projections import MessageRow
from shared.kernel import Actor
from shared.runtime.documents.port import Equal, Order
from shared.runtime.reading import Page, Reader, Waited


class Queries:
    """One method for each question; every answer is in the scope of the actor."""

    def __init__(self, *, documents: Reader) -> None:
        self._documents = documents

    async def messages(
        self,
        *,
        actor: Actor,
        patient: UUID | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """Messages, the newest first."""
        return await self._documents.find(
            MessageRow,
            actor=actor,
            action="message.read",
            where=[Equal("status", status)] if status else [],
            patient=patient,
            order=Order("queued_at", descending=True),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )
