"""What records shows: every resource as it is now, to be searched; and the timeline, from all five services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from services.records.domain.fhir import (
    SEARCH_FIELDS,
    TYPES,
    Resource,
    occurred,
    period_of,
    search_fields,
    shown,
    summary,
)
from shared.contracts import records, referrals, scheduling
from shared.contracts.envelope import Contract, Envelope
from shared.runtime.documents.port import Kind, Value
from shared.runtime.projection import Documents, Journal, Shown

_NOUNS = frozenset(f"records.{type.noun}" for type in TYPES.values())


@dataclass(frozen=True)
class Held:
    """A resource as its newest version says; None after a retraction."""

    resource: Resource | None
    custodian: str
    patient: str | None
    version: int
    recorded: str


class Resources(Documents[Held]):
    """A document for each FHIR resource, found by the search parameters. A retracted one is not found any more."""

    name = "resources"
    hears = ("records",)
    about = _NOUNS
    fields: ClassVar[Mapping[str, Kind]] = {**SEARCH_FIELDS, "organization": "text"}
    indexes = (("patient", "type"), ("type", "updated"), ("organization", "type"))

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate in _NOUNS else ()

    def fold(self, state: Held | None, contract: Contract) -> Held:
        envelope = contract.envelope
        custodian = state.custodian if state else envelope.organization
        recorded = envelope.recordedtime.isoformat()
        patient = envelope.patient_id
        resource = getattr(contract, "resource", None)
        return Held(resource, custodian, patient, envelope.sequence, recorded)

    def render(self, id: str, states: Mapping[str, Held]) -> Shown | None:
        held = states[id]
        if held.resource is None:
            return None
        recorded = period_of(held.recorded)[0]
        resource = shown(held.resource, version=held.version, recorded=recorded)
        fields: dict[str, Value] = {**search_fields(resource=resource), "organization": held.custodian}
        return Shown(
            body=resource, fields={**fields, "patient": held.patient or fields["patient"], "updated": recorded}
        )


class Timeline(Journal):
    """One row for each thing that was said about a patient, whoever said it. What is shown of it, `_what` says."""

    name = "timeline"
    hears = ("records", "scheduling", "billing", "referrals", "notifications")
    fields: ClassVar[Mapping[str, Kind]] = {
        "patient": "text",
        "organization": "text",
        "happened": "time",
        "recorded": "time",
        "kind": "text",
        "service": "text",
    }
    indexes = (("patient", "happened"),)

    def where(self, envelope: Envelope) -> Iterable[str]:
        shows = envelope.patient is not None and envelope.aggregate != "records.identifier"
        return (envelope.id,) if shows else ()

    def row(self, contract: Contract) -> Shown | None:
        said = contract.envelope
        kind = said.aggregate.split(".", 1)[1]
        body = {
            "event": said.id,
            "type": said.type,
            "kind": kind,
            "what": _what(contract),
            "happened": _happened(contract),
            "recorded": said.recordedtime.isoformat(),
            "who": {"subject": said.actor, "role": said.role, "purpose": said.purpose},
            "organization": said.organization,
            "service": said.service,
            "about": {"id": said.subject_id, "version": said.sequence, **said.links},
            "correlation": str(said.correlationid),
            "cause": said.causationid,
            "origin": said.origin,
        }
        fields: dict[str, Value] = {
            "patient": said.patient_id,
            "organization": said.organization,
            "happened": said.time,
            "recorded": said.recordedtime,
            "kind": kind,
            "service": said.service,
        }
        return Shown(body=body, fields=fields)


def _happened(contract: Contract) -> str:
    """As precisely as it was said: a partial date stays one."""
    resource = getattr(contract, "resource", None)
    text = occurred(resource=resource) if resource else None
    return text or contract.envelope.time.isoformat()


def _what(contract: Contract) -> str:
    """The event in words, with what tells it from others of its kind."""
    said = _words(contract.envelope.type)
    match contract:
        case records.Recorded() | records.Amended() | records.EncounterRecorded():
            return f"{said}: {summary(resource=contract.resource)}"
        case records.Retracted() | records.PatientRetracted() | records.EncounterRetracted():
            return f"{said}: {contract.reason}"
        case scheduling.AppointmentBooked() | scheduling.AppointmentRescheduled():
            return f"{said}: {contract.start.isoformat()}"
        case referrals.ReferralDrafted():
            return f"{said}: {contract.initiator} to {contract.recipient}"
        case _:
            return said


def _words(type: str) -> str:
    """`scheduling.appointment.checked-in.v1` reads "Appointment checked in"."""
    _, noun, verb, _ = type.split(".")
    return f"{_NAMES.get(noun, noun.capitalize())} {verb.replace('-', ' ')}"


_NAMES = {type.noun: type.name for type in TYPES.values()}
