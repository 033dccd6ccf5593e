"""The FHIR R4 resources of the story. Times are given: a resource that is said again must be the same."""

from typing import Any

Resource = dict[str, Any]

_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def patient(*, story: str) -> Resource:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:carelog:story", "value": story}],
        "name": [{"family": "Berger", "given": ["Ilse", "Marie"]}],
        "gender": "female",
        "birthDate": "1957-03-14",
        "address": [{"city": "Oldenfeld", "country": "DE"}],
    }


def condition(*, patient: str, at: str) -> Resource:
    return {
        "resourceType": "Condition",
        "clinicalStatus": _concept(f"{_TERMINOLOGY}/condition-clinical", "active"),
        "verificationStatus": _concept(f"{_TERMINOLOGY}/condition-ver-status", "provisional"),
        "code": _concept(_SNOMED, "194828000", "Angina"),
        "subject": _to("Patient", patient),
        "recordedDate": at,
    }


def encounter(*, patient: str, appointment: str, start: str, end: str | None = None) -> Resource:
    """The visit, under way; with an end: finished."""
    return {
        "resourceType": "Encounter",
        "status": "finished" if end else "in-progress",
        "class": {"system": f"{_TERMINOLOGY}/v3-ActCode", "code": "AMB"},
        "type": [_concept(_SNOMED, "185349003", "Encounter for check up")],
        "subject": _to("Patient", patient),
        "appointment": [_to("Appointment", appointment)],
        "period": {"start": start, **({"end": end} if end else {})},
    }


def observation(*, patient: str, encounter: str, at: str) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_concept(f"{_TERMINOLOGY}/observation-category", "vital-signs")],
        "code": _concept(_LOINC, "8480-6", "Systolic blood pressure"),
        "subject": _to("Patient", patient),
        "encounter": _to("Encounter", encounter),
        "effectiveDateTime": at,
        "valueQuantity": {"value": 148, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    }


def report(*, patient: str, encounter: str, observation: str, at: str) -> Resource:
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": _concept(_LOINC, "11488-4", "Consult note"),
        "subject": _to("Patient", patient),
        "encounter": _to("Encounter", encounter),
        "effectiveDateTime": at,
        "result": [_to("Observation", observation)],
        "conclusion": "Stable angina; no intervention needed now.",
    }


def _concept(system: str, code: str, display: str | None = None) -> Resource:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": display} if display else {})}


def _to(type: str, id: str) -> Resource:
    return {"reference": f"{type}/{id}"}
