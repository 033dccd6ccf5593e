"""What records can be asked to do: record, amend and retract resources, one by one or a whole transaction at once.

`changes` is what is wanted, `naming` what resources point at, `claims` who bears which identifier.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never
from uuid import UUID

from services.records.commands.changes import AGGREGATES, Amend, Change, Condition, Kept, Record, Retract, action_of
from services.records.commands.claims import Claims
from services.records.commands.naming import (
    Named,
    because_of,
    check_references,
    check_visit,
    happened,
    known_patient,
    links_of,
    moved,
    patient_of,
)
from services.records.domain.encounter import Encounter
from services.records.domain.fhir import TYPES
from services.records.domain.identifier import Identifier, identifier_id
from services.records.domain.patient import Patient
from shared.kernel import Aggregate, NotFound, Refused, Stale
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate

Bearers = Mapping[Condition, UUID]
Prepared = tuple[Sequence[Change], Mapping[str, str]]
"""the changes, and what the caller found there already, for the answer"""
Prepare = Callable[[Bearers], Awaitable[Prepared]]
"""called once it is known who bears the identifiers that the changes depend on"""


class AnotherPatient(Refused):
    """A statement stays with its patient for ever: retract it, and record it for the other one."""


class PatientRetracted(Refused):
    """The registration of this patient was taken back: record it for the patient who is meant."""


class Commands:
    """Each method is one command: all of it is stored, or nothing."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def change(self, *, mandate: Mandate, change: Change) -> Done:
        """One resource. The answer: `{"type", "id", "version", "created"}`, the version that it came to."""

        async def decide(unit: Unit) -> Any:
            return (await _change_all(unit, [change]))[0]

        return await self._log.run(mandate, decide, target=change.id)

    async def create_if_none(self, *, mandate: Mandate, change: Record, condition: Condition) -> Done:
        """Records it where nobody bears the identifier yet (FHIR R4, http: conditional create); else names who does."""

        async def decide(unit: Unit) -> Any:
            bearer = (await _bearers(unit, [condition])).get(condition)
            if bearer is not None:
                return await _there(unit, change.type, bearer)
            return (await _change_all(unit, [change]))[0]

        # Held from before the look: of many who ask at once one creates, and the others find what it created.
        return await self._log.run(mandate, decide, also=[_identifier(mandate, condition)])

    async def transact(self, *, mandate: Mandate, conditions: Iterable[Condition], prepare: Prepare) -> Done:
        """A transaction as one append. The answer: `{"changes": [as of `change`, ...], "found": {...}}`."""
        wanted = tuple(conditions)

        async def decide(unit: Unit) -> Any:
            changes, found = await prepare(await _bearers(unit, wanted))
            return {"changes": await _change_all(unit, changes), "found": found}

        return await self._log.run(mandate, decide)

    async def bearers(self, *, mandate: Mandate, conditions: Iterable[Condition]) -> Bearers:
        """Who bears these identifiers; those that nobody bears are left out."""
        return await _bearers(Unit(log=self._log, mandate=mandate, target=None), tuple(conditions))


async def _bearers(unit: Unit, conditions: Sequence[Condition]) -> Bearers:
    ids = {one: _identifier(unit.mandate, one) for one in conditions}
    found = await unit.load_all(Identifier, ids.values(), judged=False) if ids else {}
    return {one: bearer for one, id in ids.items() if id in found and (bearer := found[id].bearer)}


def _identifier(mandate: Mandate, one: Condition) -> UUID:
    return identifier_id(type=one.type, system=one.system, value=one.value, organization=mandate.actor.organization)


async def _there(unit: Unit, type: str, bearer: UUID) -> dict[str, Any]:
    """What a conditional creation finds in the place of what it would have created."""
    action = action_of(type, "read")
    found: Aggregate = await unit.load(AGGREGATES[TYPES[type].kind], bearer, action=action)
    return _told(type, found, created=False)


def _told(type: str, aggregate: Aggregate, *, created: bool) -> dict[str, Any]:
    return {"type": type, "id": str(aggregate.id), "version": aggregate.version, "created": created}


async def _change_all(unit: Unit, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """In their order; a long list lets others go on in between."""
    named = await check_references(unit, changes)
    changed = []
    for change in changes:
        changed.append(await _change(unit, change, named))
        await unit.breathe()
    await _claim(unit, list(zip(changes, changed, strict=True)))
    return [
        _told(change.type, aggregate, created=isinstance(change, Record))
        for change, aggregate in zip(changes, changed, strict=True)
    ]


async def _claim(unit: Unit, changed: Sequence[tuple[Change, Aggregate]]) -> None:
    """After all that was released, so that an identifier may go from one to another in one transaction."""
    claiming = [(change, aggregate) for change, aggregate in changed if not isinstance(change, Retract)]
    claims = await Claims.of(unit, [change.resource for change, _ in claiming])
    for change, aggregate in claiming:
        claims.claim(change.resource, bearer=change.id, patient=unit.birth_of(aggregate).patient)
        await unit.breathe()


async def _change(unit: Unit, change: Change, named: Named) -> Aggregate:
    match change:
        case Record():
            return await _record(unit, change, named)
        case Amend():
            return await _amend(unit, change, named)
        case Retract():
            return await _retract(unit, change)
        case _:
            assert_never(change)


async def _record(unit: Unit, change: Record, named: Named) -> Aggregate:
    """Of many recorded at once none is another's cause: their story begins with them."""
    patient, action = known_patient(change, named)
    check_visit(change, patient, named)
    mine = unit.mandate.actor.organization if patient is None or patient in named.new else None
    await unit.may(action=action, patient=patient, custodian=mine)
    if patient is not None and patient not in named.new:
        await _is_in_care(unit, patient)
    because = because_of(change.resource, patient) if len(named.new) == 1 else ()
    born = _born(unit, change)
    unit.add(born, patient=patient, links=links_of(change.resource), because_of=because)
    return born


async def _is_in_care(unit: Unit, patient: UUID) -> None:
    """Not taken back, nor while this is stored."""
    found = (await unit.load_all(Patient, [patient], judged=False)).get(patient)
    if found is None or found.retracted is not None:
        raise PatientRetracted
    unit.demand(found)


def _born(unit: Unit, change: Record) -> Aggregate:
    resource, at = change.resource, happened(change.resource, at=unit.mandate.at)
    kind = AGGREGATES[TYPES[change.type].kind]
    if kind is Patient:
        return Patient.register(id=change.id, at=at, resource=resource)
    if kind is Encounter:
        return Encounter.record(id=change.id, at=at, resource=resource, origin=unit.mandate.origin)
    recorded: Aggregate = kind.record(id=change.id, at=at, resource=resource)  # type: ignore[union-attr, call-arg]
    return recorded


async def _amend(unit: Unit, change: Amend, named: Named) -> Aggregate:
    found, patient = await _loaded(unit, change)
    if patient_of(change, named) != patient:
        raise AnotherPatient
    check_visit(change, patient, named)
    before = found.resource
    found.amend(at=moved(change.resource, before=before, at=unit.mandate.at), resource=change.resource)
    (await Claims.of(unit, [before])).release(before, after=change.resource, bearer=change.id)
    return found


async def _retract(unit: Unit, change: Retract) -> Aggregate:
    found, _ = await _loaded(unit, change)
    found.retract(at=unit.mandate.at, reason=change.reason)
    (await Claims.of(unit, [found.resource])).release(found.resource, after=None, bearer=change.id)
    return found


async def _loaded(unit: Unit, change: Amend | Retract) -> tuple[Kept, UUID | None]:
    """The aggregate of this id, where it is of the type that the caller says, and its patient."""
    birth = (await unit.births([change.id])).get(change.id)
    if birth is None or birth.name.split(".")[1] != TYPES[change.type].noun:
        raise NotFound
    action = action_of(change.type, "amend")
    found = await unit.load(AGGREGATES[TYPES[change.type].kind], change.id, action=action)
    if change.expected not in (None, found.version):
        raise Stale
    return found, birth.patient
