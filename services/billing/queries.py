"""What can be asked of billing's documents. One claim with its ledger, and its balance on a day, the log tells."""

from collections.abc import Sequence
from uuid import UUID

from services.billing.projections import ClaimRow, CoverageRow
from shared.kernel import Actor
from shared.runtime.documents.port import Equal, Order
from shared.runtime.reading import Page, Reader, Waited

_COVERAGES_AT_MOST = 50


class Queries:
    """One method for each question; every answer is in the scope of the actor."""

    def __init__(self, *, documents: Reader) -> None:
        self._documents = documents

    async def coverages(
        self, *, actor: Actor, patient: UUID, cursor: str | None = None, limit: int = 50, wait_for: Waited = ()
    ) -> Page:
        """A patient's coverages, the one that pays first at the front."""
        return await self._documents.find(
            CoverageRow,
            actor=actor,
            action="coverage.read",
            patient=patient,
            order=Order("rank"),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )

    async def coverages_of(self, *, patient: UUID, actor: Actor) -> Sequence[UUID]:
        """Their ids, for a claim that looks for who pays."""
        page = await self.coverages(actor=actor, patient=patient, limit=_COVERAGES_AT_MOST)
        return [UUID(coverage["id"]) for coverage in page.items]

    async def claims(
        self,
        *,
        actor: Actor,
        patient: UUID | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """Claims, the newest first."""
        return await self._documents.find(
            ClaimRow,
            actor=actor,
            action="claim.read",
            where=[Equal("status", status)] if status else [],
            patient=patient,
            order=Order("opened_at", descending=True),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )
