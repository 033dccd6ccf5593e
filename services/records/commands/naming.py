"""What resources name: whose they are, what they belong to, and whether what they point at is here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.records.commands.changes import Amend, Change, Record, Retract, action_of
from services.records.domain.fhir import (
    TYPES,
    Resource,
    occurred,
    own_id,
    patient_reference,
    period_of,
    references,
    target,
)
from shared.kernel import Denied, Field, Invalid, NotFound
from shared.runtime.log import Unit


@dataclass(frozen=True, slots=True)
class Named:
    """What a command's resources point at: the patient of each, where it has one. `new` are born in this command."""

    patients: Mapping[UUID, UUID | None]
    new: frozenset[UUID]


async def check_references(unit: Unit, changes: Sequence[Change]) -> Named:
    """Everything of a type that records holds must be here, of that type, and the caller's to know.

    A reference to another type, an absolute address or an identifier alone is kept as it stands. Raises `Invalid` with
    the place of each that points at nothing; what is foreign is as if it were not there.
    """
    born = {change.id: change for change in changes if isinstance(change, Record)}
    pointed = [(text, at, path) for change in changes for text, at, path in _pointed(change)]
    aims = _aims({text for text, _, _ in pointed})
    births = await unit.births({aim.id for aim in aims.values() if aim.id and aim.id not in born})
    nouns = {id: stored.name.split(".")[1] for id, stored in births.items()}
    nouns |= {id: TYPES[change.type].noun for id, change in born.items()}
    patients: dict[UUID, UUID | None] = {id: stored.patient for id, stored in births.items()}
    patients |= {id: id for id, change in born.items() if change.type == "Patient"}
    hidden = await _hidden(unit, patients, {id: births[id].organization for id in births})
    wrong = {
        text
        for text, aim in aims.items()
        if aim.id is None or nouns.get(aim.id) != TYPES[aim.type].noun or aim.id in hidden
    }
    if wrong:
        places = [f"{at}.{path}.reference" for text, at, path in pointed if text in wrong]
        raise Invalid(*(Field(at, "points at nothing that is here", "not-found") for at in places))
    named = Named(patients, frozenset(born))
    patients |= {id: patient_of(change, named) for id, change in born.items() if TYPES[change.type].kind == "encounter"}
    return named


def check_visit(change: Record | Amend, patient: UUID | None, named: Named) -> None:
    """What was said in a visit is about the patient whose visit it was. Raises `Invalid`."""
    visit = _first([change.resource.get("encounter")], "encounter")
    whose = named.patients.get(visit) if visit else None
    if whose is not None and whose != patient:
        raise Invalid(Field(f"{change.at}.encounter.reference", "is another patient's visit", "invariant"))


async def _hidden(unit: Unit, patients: Mapping[UUID, UUID | None], custodians: Mapping[UUID, str]) -> frozenset[UUID]:
    """Those of other people's that the caller may not know."""
    judged: dict[tuple[UUID, str], bool] = {}
    for id, custodian in custodians.items():
        patient = patients[id]
        if patient is not None and (patient, custodian) not in judged:
            judged[patient, custodian] = await _is_known(unit, patient, custodian)
    return frozenset(
        id for id, custodian in custodians.items() if (p := patients[id]) is not None and not judged[p, custodian]
    )


async def _is_known(unit: Unit, patient: UUID, custodian: str) -> bool:
    try:
        await unit.may(action="patient.read", patient=patient, custodian=custodian)
    except (NotFound, Denied):
        return False
    return True


class _Aim(NamedTuple):
    """What a reference points at, of a type that records holds. `id` None: it cannot be an id of ours."""

    type: str
    id: UUID | None


def _aims(texts: Iterable[str]) -> dict[str, _Aim]:
    """What each of these references points at: one visit is named by all that was said in it."""
    found = {text: target(reference=text) for text in texts}
    return {text: _Aim(one.type, own_id(text=one.id)) for text, one in found.items() if one and one.type in TYPES}


def _pointed(change: Change) -> Iterator[tuple[str, str, str]]:
    """Each reference of a change, as it is written, and where."""
    if not isinstance(change, Retract):
        for path, reference in references(resource=change.resource):
            yield reference["reference"], change.at, path


def patient_of(change: Record | Amend, named: Named) -> UUID | None:
    """Whose it is. Raises `Invalid` where it must belong to a patient and names none."""
    type = TYPES[change.type]
    if type.kind == "patient":
        return change.id
    match type.belongs:
        case "none":
            return None
        case "targets":
            return _patient_of_targets(change, named)
        case "required" | "optional":
            found = patient_reference(resource=change.resource)
            points_at = target(reference=found) if found else None
            patient = own_id(text=points_at.id) if points_at else None
            if patient is None and type.belongs == "required":
                raise Invalid(Field(f"{change.at}.{type.patient}", "must name a patient who is here", "required"))
            return patient


def _patient_of_targets(change: Record | Amend, named: Named) -> UUID | None:
    """A Provenance belongs to the patient of what it speaks of."""
    for one in change.resource.get("target", ()):
        points_at = target(reference=one.get("reference", ""))
        id = own_id(text=points_at.id) if points_at and points_at.type in TYPES else None
        if id and (patient := named.patients.get(id)):
            return patient
    return None


def happened(resource: Resource, *, at: datetime) -> datetime:
    """When it happened, as the resource says; the beginning of a partial date; else `at`."""
    text = occurred(resource=resource)
    return period_of(text)[0] if text else at


def moved(resource: Resource, *, before: Resource, at: datetime) -> datetime:
    """When the change happened: a visit finishes at the end of its period; a correction speaks of the same time."""
    if resource["resourceType"] == "Encounter" and resource["status"] != before["status"]:
        end = resource.get("period", {}).get("end") if resource["status"] == "finished" else None
        return period_of(end)[0] if end else at
    return happened(resource, at=at)


def links_of(resource: Resource) -> dict[str, UUID]:
    """What it belongs to for ever: an entry to its encounter, an encounter to its appointment."""
    said = {"encounter": [resource.get("encounter")], "appointment": resource.get("appointment", [])}
    found = {name: _first(values, name) for name, values in said.items()}
    return {name: id for name, id in found.items() if id is not None}


def because_of(resource: Resource, patient: UUID | None) -> list[UUID]:
    """What it names, most telling first: its visit or appointment, what it is based on, its patient."""
    based_on = [_first([one], "") for one in resource.get("basedOn", ()) if isinstance(one, dict)]
    return [id for id in (*links_of(resource).values(), *based_on, patient) if id is not None]


def known_patient(change: Record, named: Named) -> tuple[UUID | None, str]:
    """The patient of a new resource, and the action that records it."""
    patient = patient_of(change, named)
    return patient, action_of(change.type, "record")


def _first(values: object, noun: str) -> UUID | None:
    for value in values if isinstance(values, list) else ():
        points_at = target(reference=value.get("reference", "")) if isinstance(value, dict) else None
        if points_at and (not noun or points_at.type.lower() == noun):
            return own_id(text=points_at.id)
    return None
