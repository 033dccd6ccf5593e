"""What can be asked of referrals: load, ask, save. One referral by its id is read here too, from the log."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from services.referrals.domain.referral import Priority, Referral
from services.referrals.domain.terms import Concept, Period
from services.referrals.domain.visits import Visit
from shared.kernel import Denied, Field, Invalid, NotFound, OrganizationId
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id

Plain = dict[str, Any]


class Commands:
    """One method for each use case."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def draft(
        self,
        *,
        mandate: Mandate,
        patient: UUID,
        recipient: OrganizationId,
        service: Concept,
        priority: Priority,
        reason: Concept,
        occurrence: Period | None = None,
        based_on: UUID | None = None,
    ) -> Done:
        """A referral of the caller's organisation, to be sent. Nobody else sees it before."""
        id = fresh_id()

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            await _check_older(unit, based_on, patient=patient)
            born = Referral.draft(
                id=id,
                at=mandate.at,
                initiator=mandate.actor.organization,
                recipient=recipient,
                service=service,
                priority=priority,
                reason=reason,
                occurrence=occurrence,
                based_on=based_on,
            )
            unit.add(born, patient=patient, because_of=[based_on, patient])
            return _shown(unit, born)

        return await self._log.run(mandate, decide)

    async def send(self, *, mandate: Mandate, referral: UUID) -> Done:
        return await self._ask(mandate, referral, lambda found: found.send(**_who(mandate)))

    async def accept(self, *, mandate: Mandate, referral: UUID) -> Done:
        return await self._ask(mandate, referral, lambda found: found.accept(**_who(mandate)))

    async def decline(self, *, mandate: Mandate, referral: UUID, reason: str) -> Done:
        return await self._ask(mandate, referral, lambda found: found.decline(**_who(mandate), reason=reason))

    async def request_cancellation(self, *, mandate: Mandate, referral: UUID, reason: str) -> Done:
        return await self._ask(
            mandate, referral, lambda found: found.request_cancellation(**_who(mandate), reason=reason)
        )

    async def confirm_cancellation(self, *, mandate: Mandate, referral: UUID) -> Done:
        return await self._ask(mandate, referral, lambda found: found.confirm_cancellation(**_who(mandate)))

    async def schedule(self, *, mandate: Mandate, referral: UUID, visit: Visit | None = None) -> Done:
        """The first visit or another one. Without one the recipient works on it and does not report visits."""
        return await self._ask(mandate, referral, lambda found: found.schedule(**_who(mandate), visit=visit))

    async def no_show(self, *, mandate: Mandate, referral: UUID, visit: Visit | None = None) -> Done:
        return await self._ask(
            mandate, referral, lambda found: found.no_show(**_who(mandate), visit=_heard(found, visit))
        )

    async def cancel_visit(self, *, mandate: Mandate, referral: UUID, reason: str, visit: Visit | None = None) -> Done:
        return await self._ask(
            mandate,
            referral,
            lambda found: found.cancel_visit(**_who(mandate), reason=reason, visit=_heard(found, visit)),
        )

    async def interim_note(
        self,
        *,
        mandate: Mandate,
        referral: UUID,
        note: str,
        references: tuple[str, ...] = (),
        visit: Visit | None = None,
    ) -> Done:
        return await self._ask(
            mandate,
            referral,
            lambda found: found.interim_note(**_who(mandate), note=note, references=references, visit=visit),
        )

    async def give_outcome(
        self, *, mandate: Mandate, referral: UUID, note: str, references: tuple[str, ...] = ()
    ) -> Done:
        return await self._ask(
            mandate, referral, lambda found: found.give_outcome(**_who(mandate), note=note, references=references)
        )

    async def review(self, *, mandate: Mandate, referral: UUID, note: str | None = None) -> Done:
        return await self._ask(mandate, referral, lambda found: found.review(**_who(mandate), note=note))

    async def referral(self, *, mandate: Mandate, referral: UUID) -> Done:
        """What it is now."""

        async def decide(unit: Unit) -> Plain:
            return _shown(unit, await unit.load(Referral, referral))

        return await self._log.run(mandate, decide)

    async def _ask(self, mandate: Mandate, referral: UUID, ask: Callable[[Referral], None]) -> Done:
        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Referral, referral)
            ask(found)
            return _shown(unit, found)

        return await self._log.run(mandate, decide, target=referral)


class _Who(TypedDict):
    by: OrganizationId
    at: datetime


def _who(mandate: Mandate) -> _Who:
    return {"by": mandate.actor.organization, "at": mandate.at}


def _heard(referral: Referral, visit: Visit | None) -> Visit | None:
    """Raises `NotFound` for an appointment that was never heard of: that it was booked may still be on its way."""
    if visit and visit.appointment and not referral.visits.of(visit.appointment):
        raise NotFound
    return visit


async def _check_older(unit: Unit, based_on: UUID | None, *, patient: UUID) -> None:
    """The older referral is this patient's, and one that the caller may know."""
    if based_on is None:
        return
    try:
        older = await unit.load(Referral, based_on, action="referral.read")
    except (NotFound, Denied):
        older = None
    if older is None or unit.birth_of(older).patient != patient:
        raise Invalid(Field("based_on", "names no referral of this patient that you take part in", "reference"))


def _shown(unit: Unit, referral: Referral) -> Plain:
    asked = referral.asked
    return {
        "id": str(referral.id),
        "version": referral.version,
        "status": referral.status,
        "business_status": referral.business_status,
        "since": referral.since.isoformat(),
        "closed": referral.closed,
        "patient": str(unit.birth_of(referral).patient),
        "initiator": asked.initiator,
        "recipient": asked.recipient,
        "priority": asked.priority,
        "service": asked.service.model_dump(exclude_none=True),
        "reason": asked.reason.model_dump(exclude_none=True),
        "occurrence": asked.occurrence.model_dump(mode="json", exclude_none=True) if asked.occurrence else None,
        "based_on": str(asked.based_on) if asked.based_on else None,
        "visit": _visit(referral.visits.known),
        "stop_reason": referral.reason,
        "notes": [
            {"at": note.timestamp.isoformat(), "note": note.note, "references": note.references}
            for note in referral.notes
        ],
        "outcome": _outcome(referral),
        "reviewed": referral.reviewed,
        "review": referral.review_note,
    }


def _visit(visit: Visit | None) -> Plain | None:
    if visit is None:
        return None
    return {
        "appointment": str(visit.appointment) if visit.appointment else None,
        "start": visit.start.isoformat() if visit.start else None,
    }


def _outcome(referral: Referral) -> Plain | None:
    given = referral.outcome
    if given is None:
        return None
    return {"at": given.timestamp.isoformat(), "note": given.note, "references": given.references}
