"""What can be asked of scheduling's documents. One appointment by its id, and what is free, are told by the log."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.scheduling.projections import AppointmentRow
from shared.kernel import Actor
from shared.runtime.documents.port import Equal, In, Order, Term
from shared.runtime.reading import Page, Reader, Waited


class Queries:
    """One method for each question; every answer is in the scope of the actor."""

    def __init__(self, *, documents: Reader) -> None:
        self._documents = documents

    async def appointments(
        self,
        *,
        actor: Actor,
        patient: UUID | None = None,
        day: date | None = None,
        schedule: UUID | None = None,
        statuses: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """Appointments, the earliest first. `day` is a day by the clocks of the place."""
        where: list[Term] = [In("status", statuses)] if statuses else []
        if day:
            where.append(Equal("days", day.isoformat()))
        if schedule:
            where.append(Equal("schedules", str(schedule)))
        return await self._documents.find(
            AppointmentRow,
            actor=actor,
            action="appointment.read",
            where=where,
            patient=patient,
            order=Order("start"),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )
