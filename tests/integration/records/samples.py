"""The least that each type must say, about a patient; and values that no answer may repeat."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from services.records.domain.fhir import TYPES
from services.records.edges.fhir.bindings import words

Resource = dict[str, Any]

CANARY = "Zanzibar4711"
"""a value that no answer may hold"""
MRN = "urn:oid:1.2.36.146"
LOINC = "http://loinc.org"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
NOWHERE = "Patient/11111111-1111-7111-8111-111111111111"


def text(words: str) -> Resource:
    return {"text": words}


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def patient(mrn: str = "1", **more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": MRN, "value": mrn}],
        "name": [{"family": "Chalmers", "given": ["Peter"]}],
        "birthDate": "1974-12-25",
        **more,
    }


def practitioner(npi: str = "9", **more: Any) -> Resource:
    identifier = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi}]
    return {"resourceType": "Practitioner", "identifier": identifier, "name": [{"family": "Careful"}], **more}


def visit(patient: str, status: str = "planned", **more: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "status": status,
        "class": {"system": _TERMS + "v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def observation(patient: str, **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": coded(LOINC, "4548-4"),
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2011-05-02",
        **more,
    }


_FIRST: dict[str, Resource] = {
    "Patient": patient(),
    "Encounter": visit("") | {"period": {"start": "2011-05-02", "end": "2011-05-02"}},
    "Organization": {"name": "North Clinic"},
    "Practitioner": {"name": [{"family": "Careful"}]},
    "PractitionerRole": {"code": [coded(LOINC, "role")]},
    "Location": {"name": "Ward 7", "status": "active"},
    "Condition": {"clinicalStatus": coded(_TERMS + "condition-clinical", "active"), "onsetDateTime": "2011-05-02"},
    "AllergyIntolerance": {
        "clinicalStatus": coded(_TERMS + "allergyintolerance-clinical", "active"),
        "category": ["food"],
        "onsetDateTime": "2011-05-02",
    },
    "Observation": observation(""),
    "DiagnosticReport": {"status": "final", "effectiveDateTime": "2011-05-02"},
    "Procedure": {"status": "completed", "performedDateTime": "2011-05-02"},
    "Immunization": {
        "status": "completed",
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "140"),
        "occurrenceDateTime": "2011-05-02",
    },
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": coded(LOINC, "m"),
        "authoredOn": "2011-05-02",
    },
    "MedicationStatement": {
        "status": "active",
        "medicationCodeableConcept": coded(LOINC, "m"),
        "effectiveDateTime": "2011-05-02",
    },
    "MedicationAdministration": {
        "status": "completed",
        "medicationCodeableConcept": coded(LOINC, "m"),
        "effectiveDateTime": "2011-05-02",
    },
    "Medication": {"status": "active"},
    "DocumentReference": {
        "status": "current",
        "type": coded(LOINC, "11488-4"),
        "date": "2011-05-02T10:00:00Z",
        "content": [{"attachment": {"title": "note"}}],
    },
    "CarePlan": {
        "status": "active",
        "intent": "plan",
        "period": {"start": "2011-05-02", "end": "2011-05-02"},
        "activity": [{"detail": {"status": "scheduled", "code": coded(LOINC, "walk")}}],
    },
    "CareTeam": {"status": "active", "name": "Team 7", "period": {"start": "2011-05-02", "end": "2011-05-02"}},
    "Goal": {"lifecycleStatus": "active", "description": coded(LOINC, "lose"), "startDate": "2011-05-02"},
    "Device": {"status": "active", "type": coded(LOINC, "pacemaker")},
    "ImagingStudy": {"status": "available", "started": "2011-05-02", "procedureCode": [coded(LOINC, "ct")]},
    "SupplyDelivery": {
        "status": "completed",
        "occurrenceDateTime": "2011-05-02",
        "type": coded(_TERMS + "supply-item-type", "device"),
        "suppliedItem": {"itemCodeableConcept": coded(LOINC, "strip")},
    },
    "Provenance": {
        "recorded": "2011-05-02T10:00:00Z",
        "activity": coded(LOINC, "create"),
        "agent": [{"who": {"display": "Dr. Careful"}}],
    },
    "Consent": {
        "status": "active",
        "scope": text("privacy"),
        "category": [coded(LOINC, "59284-0")],
        "policyRule": text("opt-in"),
        "dateTime": "2011-05-02",
        "provision": {"code": [coded(LOINC, "all")]},
    },
    "ServiceRequest": {"status": "active", "intent": "order", "authoredOn": "2011-05-02"},
    "Specimen": {
        "status": "available",
        "type": coded(LOINC, "blood"),
        "collection": {"collectedDateTime": "2011-05-02"},
    },
    "FamilyMemberHistory": {
        "status": "completed",
        "relationship": coded(LOINC, "mother"),
        "date": "2011-05-02",
        "condition": [{"code": coded(LOINC, "c")}],
    },
    "QuestionnaireResponse": {"status": "completed", "authored": "2011-05-02"},
}
_REPEAT_CATEGORY = words(
    "Condition Observation DiagnosticReport MedicationRequest DocumentReference CarePlan CareTeam Goal ServiceRequest"
)
_ONE_CATEGORY = words("Procedure MedicationStatement MedicationAdministration")
_CODED = words("Condition AllergyIntolerance Observation DiagnosticReport Procedure Medication ServiceRequest")
_ELEMENTS: tuple[tuple[frozenset[str], str, Any], ...] = (
    (_CODED, "code", coded(LOINC, "4548-4")),
    (_REPEAT_CATEGORY, "category", [coded(LOINC, "category")]),
    (_ONE_CATEGORY, "category", coded(LOINC, "category")),
    (frozenset({"Organization", "Location", "Encounter"}), "type", [coded(LOINC, "kind")]),
    (frozenset({"PractitionerRole"}), "code", [coded(LOINC, "kind")]),
    (frozenset({"Practitioner"}), "qualification", [{"code": coded(LOINC, "md")}]),
    (frozenset({"QuestionnaireResponse"}), "identifier", {"system": MRN, "value": "least"}),
)
_WITHOUT_IDENTIFIERS = frozenset({"Provenance", "Patient", "QuestionnaireResponse"})


def least(type: str, about: str) -> Resource:
    """A resource of this type about the patient, with something in every element that a search asks."""
    made: Resource = {"resourceType": type, **deepcopy(_FIRST[type])}
    if TYPES[type].patient:
        made[TYPES[type].patient] = {"reference": f"Patient/{about}"}
    if type == "Provenance":
        made["target"] = [{"reference": f"Patient/{about}"}]
    if type not in _WITHOUT_IDENTIFIERS:
        made["identifier"] = [{"system": MRN, "value": f"least-{type}"}]
    return made | {name: value for types, name, value in _ELEMENTS if type in types}


def bent(resource: Resource, path: str, value: Any) -> Resource:
    """The resource with another value at the path (`name.0.family`)."""
    made = deepcopy(resource)
    *way, last = path.split(".")
    place: Any = made
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[int(last) if last.isdigit() else last] = value
    return made


def fields_of(outcome: Any) -> Iterator[str]:
    """Where an OperationOutcome says that something is wrong."""
    for issue in outcome["issue"]:
        yield from issue.get("expression", ())
