"""Small valid resources, to be bent by the tests."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

CANARY = "Zanzibar4711"
"""A value that no message may hold."""

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p-1",
    "identifier": [{"use": "official", "system": "urn:oid:1.2.36.146", "value": "12345"}],
    "active": True,
    "name": [{"use": "official", "family": "Chalmers", "given": ["Peter", "James"]}],
    "telecom": [{"system": "phone", "value": "(03) 5555 6473", "use": "work", "rank": 1}],
    "gender": "male",
    "birthDate": "1974-12-25",
    "_birthDate": {
        "extension": [{"url": "http://example.org/birthTime", "valueDateTime": "1974-12-25T14:35:45-05:00"}]
    },
    "address": [{"use": "home", "type": "both", "line": ["534 Erewhon St"], "period": {"start": "1974-12-25"}}],
    "contact": [{"relationship": [{"coding": [{"code": "N"}]}], "name": {"family": "du Marché"}}],
    "link": [{"other": {"reference": "Patient/p-2"}, "type": "seealso"}],
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Peter</p></div>'},
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "lab"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "HbA1c"}]},
    "subject": {"reference": "Patient/p-1"},
    "performer": [{"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999895393"}],
    "effectiveDateTime": "2011-05",
    "issued": "2011-05-02T10:15:30.123+02:00",
    "valueQuantity": {
        "value": Decimal("51.30"),
        "comparator": "<",
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    },
}

ALLERGY: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]
    },
    "category": ["food"],
    "code": {"text": "Cashew nuts"},
    "patient": {"reference": "Patient/p-1"},
    "reaction": [{"manifestation": [{"text": "Hives"}], "severity": "mild"}],
}

ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "urn:uuid:057aa36e-b892-9964-75b9-ffb46b097e34"},
    "participant": [{"individual": {"reference": "Practitioner/d-1"}}],
    "period": {"start": "2020-03-07T11:35:38+01:00", "end": "2020-03-07T12:50:18+01:00"},
}

SAMPLES = (PATIENT, OBSERVATION, ALLERGY, ENCOUNTER)


def bent(sample: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The sample with another value at the path (`name.0.family`); a new element where there is none."""
    resource = deepcopy(sample)
    *way, last = path.split(".")
    place: Any = resource
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if last.isdigit():
        place[int(last)] = value
    else:
        place[last] = value
    return resource


def without(sample: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: deepcopy(value) for key, value in sample.items() if key != name}


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every place in a value that could be bent."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        path = f"{at}.{key}" if at else str(key)
        yield path
        yield from paths(child, path)
