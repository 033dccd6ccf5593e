"""What can be asked of billing: load, ask, save. One claim with its ledger is read here too, from the log."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from services.billing.domain.claim import AlreadyOpened, Claim, Entry, PaidBy, effective_of, kind_of
from services.billing.domain.coverage import AlreadyRegistered, Coverage
from services.billing.domain.lines import Code
from services.billing.domain.money import Money
from shared.kernel import Actor, NotFound, PatientId
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id

Plain = dict[str, Any]


class Coverages(Protocol):
    """Finds what coverages a patient has. What they say is then asked of the log."""

    async def coverages_of(self, *, patient: UUID, actor: Actor) -> Sequence[UUID]:
        """Their ids, the one that pays first at the front."""


class Commands:
    """One method for each use case. Each raises what its aggregates refuse, `NotFound` and `Denied`."""

    def __init__(self, *, log: Log, coverages: Coverages, currency: str) -> None:
        self._log = log
        self._coverages = coverages
        self._currency = currency

    async def register_coverage(
        self,
        *,
        mandate: Mandate,
        patient: UUID,
        payer: str,
        member_id: str,
        start: date,
        end: date | None = None,
        order: int = 1,
    ) -> Done:
        whose = PatientId(patient)
        id = Coverage.id_of(
            organization=mandate.actor.organization, patient=whose, payer=payer, member_id=member_id, start=start
        )

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            if await unit.find(Coverage, id):
                raise AlreadyRegistered
            coverage = Coverage.register(
                id=id, patient=whose, payer=payer, member_id=member_id, start=start, end=end, order=order, at=mandate.at
            )
            unit.add(coverage, patient=patient, because_of=[patient])
            return _coverage(unit, coverage)

        return await self._log.run(mandate, decide, target=id)

    async def open_for_visit(self, *, mandate: Mandate, encounter: UUID, patient: UUID, on: date) -> Done:
        """Opens the claim of an encounter that finished on this day. Raises `AlreadyOpened`."""
        id = Claim.id_for(encounter=encounter, organization=mandate.actor.organization)
        known = await self._coverages.coverages_of(patient=patient, actor=mandate.actor)

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            coverage = await _in_force(unit, known, patient=patient, on=on)
            return await _open(unit, id, patient, encounter=encounter, coverage=coverage, currency=self._currency)

        return await self._log.run(mandate, decide, target=id)

    async def open_claim(
        self,
        *,
        mandate: Mandate,
        patient: UUID,
        encounter: UUID | None = None,
        coverage: UUID | None = None,
        currency: str | None = None,
    ) -> Done:
        """Opens a claim by hand, for an encounter that was heard of, or for none. Raises `AlreadyOpened`.

        Without a coverage it takes the one that is in force today, if there is one.
        """
        organization = mandate.actor.organization
        id = Claim.id_for(encounter=encounter, organization=organization) if encounter else fresh_id()
        known = await self._coverages.coverages_of(patient=patient, actor=mandate.actor) if coverage is None else ()

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            await _must_be_visit_of(unit, encounter, patient=patient)
            named = await _named(unit, coverage, patient=patient)
            chosen = named or await _in_force(unit, known, patient=patient, on=mandate.at.date())
            owed_in = currency or self._currency
            return await _open(unit, id, patient, encounter=encounter, coverage=chosen, currency=owed_in)

        return await self._log.run(mandate, decide, target=id)

    async def charge(
        self, *, mandate: Mandate, claim: UUID, code: Code, units: Decimal, amount: Money, effective: date
    ) -> Done:
        return await self._enter(
            mandate,
            claim,
            lambda found: found.charge(code=code, units=units, amount=amount, effective=effective, at=mandate.at),
        )

    async def submit(self, *, mandate: Mandate, claim: UUID, coverage: UUID | None = None) -> Done:
        """Sends it to who pays: this coverage, else the claim's own, else the patient."""

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Claim, claim)
            entry = found.submit(coverage=await _named(unit, coverage, patient=found.patient), at=mandate.at)
            return {**_claim(unit, found), "entry": entry}

        return await self._log.run(mandate, decide, target=claim)

    async def pay(
        self,
        *,
        mandate: Mandate,
        claim: UUID,
        amount: Money,
        effective: date,
        paid_by: PaidBy,
        reference: str | None = None,
    ) -> Done:
        return await self._enter(
            mandate,
            claim,
            lambda found: found.pay(
                amount=amount, effective=effective, paid_by=paid_by, reference=reference, at=mandate.at
            ),
        )

    async def reverse(self, *, mandate: Mandate, claim: UUID, entry: int, reason: str, effective: date) -> Done:
        return await self._enter(
            mandate,
            claim,
            lambda found: found.reverse(entry=entry, reason=reason, effective=effective, at=mandate.at),
        )

    async def _enter(self, mandate: Mandate, claim: UUID, enter: Callable[[Claim], int]) -> Done:
        """Makes an entry in a claim's ledger. The answer: the claim, and the entry's number."""

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Claim, claim)
            entry = enter(found)
            return {**_claim(unit, found), "entry": entry}

        return await self._log.run(mandate, decide, target=claim)

    async def claim(self, *, mandate: Mandate, claim: UUID) -> Done:
        """What it is now, with its ledger."""

        async def decide(unit: Unit) -> Plain:
            return _claim(unit, await unit.load(Claim, claim))

        return await self._log.run(mandate, decide)

    async def balance(self, *, mandate: Mandate, claim: UUID, at: date | None = None) -> Done:
        """What is owed at the end of a day; without one, once every entry has taken effect."""

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Claim, claim)
            balance = found.balance(at=at).model_dump()
            return {"id": str(found.id), "version": found.version, "at": at and at.isoformat(), "balance": balance}

        return await self._log.run(mandate, decide)


async def _open(
    unit: Unit, id: UUID, patient: UUID, *, encounter: UUID | None, coverage: UUID | None, currency: str
) -> Plain:
    if await unit.find(Claim, id):
        raise AlreadyOpened
    claim = Claim.open(
        id=id,
        patient=PatientId(patient),
        encounter=encounter,
        coverage=coverage,
        currency=currency,
        at=unit.mandate.at,
    )
    links = {"encounter": encounter} if encounter else {}
    unit.add(claim, patient=patient, links=links, because_of=[encounter, coverage, patient])
    return _claim(unit, claim)


async def _in_force(unit: Unit, known: Sequence[UUID], *, patient: UUID, on: date) -> UUID | None:
    """The first of these coverages that, by the log, is in force on that day."""
    found = await unit.load_all(Coverage, known, action="coverage.read")
    return next((id for id in known if id in found and found[id].covers(patient, on=on)), None)


async def _named(unit: Unit, coverage: UUID | None, *, patient: UUID) -> UUID | None:
    """The coverage that the caller names. Raises `NotFound`, and `AnotherPatients`."""
    if coverage is not None:
        (await unit.load(Coverage, coverage, action="coverage.read")).must_be_of(patient)
    return coverage


async def _must_be_visit_of(unit: Unit, encounter: UUID | None, *, patient: UUID) -> None:
    """An encounter that somebody names is the patient's, as far as has been heard. Raises `NotFound`."""
    if encounter is not None:
        heard = await unit.heard(encounter)
        if heard is None or heard.patient != patient:
            raise NotFound


def _coverage(unit: Unit, coverage: Coverage) -> Plain:
    registered = coverage.registered
    return {
        "id": str(coverage.id),
        "version": coverage.version,
        "patient": str(registered.patient),
        "organization": unit.birth_of(coverage).custodian,
        "payer": registered.payer,
        "member_id": registered.member_id,
        "period": {"start": registered.start.isoformat(), "end": registered.end and registered.end.isoformat()},
        "order": registered.order,
    }


def _claim(unit: Unit, claim: Claim) -> Plain:
    birth = unit.birth_of(claim)
    return {
        "id": str(claim.id),
        "version": claim.version,
        "status": claim.status,
        "fhir_status": claim.fhir_status,
        "balance": claim.balance().model_dump(),
        "patient": str(birth.patient),
        "organization": birth.custodian,
        "encounter": birth.links.get("encounter"),
        "coverage": str(claim.coverage) if claim.coverage else None,
        "opened_at": claim.opened_at.isoformat(),
        "ledger": [_line(entry, standing=entry.entry not in claim.reversed) for entry in claim.entries.values()],
    }


def _line(entry: Entry, *, standing: bool) -> Plain:
    """One entry of the ledger. It stands until another has reversed it."""
    facts = entry.model_dump(exclude={"originator_id", "originator_version", "timestamp", "effective", "kind"})
    return {
        "kind": kind_of(entry),
        **facts,
        "effective": effective_of(entry).isoformat(),
        "entered_at": entry.timestamp.isoformat(),
        "standing": standing,
    }
