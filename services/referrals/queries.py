"""Questions over the worklist. Whether something is overdue is asked of the clock at the moment of reading."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.referrals.projections import ReferralRow
from shared.kernel import Actor
from shared.runtime.documents.port import Equal, Order, Range, Term
from shared.runtime.reading import Page, Reader, Waited

_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""what is due at no time ranks below every time, and is never late"""


class Queries:
    """One method for each question."""

    def __init__(self, *, documents: Reader) -> None:
        self._documents = documents

    async def worklist(
        self,
        *,
        actor: Actor,
        now: datetime,
        status: str | None = None,
        organization: str | None = None,
        patient: UUID | None = None,
        overdue: bool | None = None,
        closed: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """Referrals that the caller's organisation takes part in, what is due first at the top.

        `status` is a FHIR Task status or a business status; `organization` the initiator or the recipient.
        """
        where = [*_terms(status, organization, closed), *_due(overdue, now)]
        page = await self._documents.find(
            ReferralRow,
            actor=actor,
            action="referral.read",
            where=where,
            patient=patient,
            order=Order("due"),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )
        return Page([as_of(row, now=now) for row in page.items], page.next)


def _terms(status: str | None, organization: str | None, closed: bool | None) -> Iterator[Term]:
    if status is not None:
        yield Equal("status", status)
    if organization is not None:
        yield Equal("organizations", organization)
    if closed is not None:
        yield Equal("closed", closed)


def _due(overdue: bool | None, now: datetime) -> Iterator[Term]:
    if overdue is not None:
        yield Range(field="due", ge=_EARLIEST, lt=now) if overdue else Range(field="due", ge=now)


def as_of(row: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The row with what the time of reading decides: for how many days it has stood there, and whether it is late."""
    due_at = row["due_at"] and datetime.fromisoformat(row["due_at"])
    since = datetime.fromisoformat(row["since"])
    return {**row, "days": max((now - since).days, 0), "overdue": bool(due_at and due_at < now)}
