"""Which search parameters each type has and what they ask: one table for searches and the CapabilityStatement."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from services.records.domain.fhir import TYPES, Type

Kind = Literal["token", "string", "date", "reference"]


class Parameter(NamedTuple):
    """A search parameter: its FHIR kind and the document field (for a date: its prefix) that it asks."""

    name: str
    kind: Kind
    field: str
    documentation: str


_ID = Parameter("_id", "token", "id", "The id of the resource.")
_UPDATED = Parameter("_lastUpdated", "date", "updated", "When it was last recorded.")
_PATIENT = Parameter("patient", "reference", "patient", "The patient it belongs to: an id or Patient/id.")
_SUBJECT = Parameter("subject", "reference", "patient", "The patient it belongs to: Patient/id.")
_IDENTIFIER = Parameter("identifier", "token", "identifier", "An identifier: value, or system|value.")
_NAME = Parameter("name", "string", "name", "How any part of a name begins.")
_BIRTHDATE = Parameter("birthdate", "date", "birthdate", "The date of birth.")
_CODE = Parameter("code", "token", "code", "What it is about: code, or system|code.")
_CATEGORY = Parameter("category", "token", "category", "Its category: code, or system|code.")
_DATE = Parameter("date", "date", "date", "Its clinical time, that of the timeline.")
_STATUS = Parameter("status", "token", "status", "The code of its status.")

_WITHOUT_IDENTIFIER = frozenset({"Provenance"})
_NAMED = frozenset({"Patient", "Practitioner", "Organization", "Location", "CareTeam"})

_ALSO: Mapping[str, Mapping[str, Parameter]] = {
    "AllergyIntolerance": {"clinical-status": _STATUS},
    "Condition": {"clinical-status": _STATUS},
    "DocumentReference": {"type": _CODE},
    "Encounter": {"type": _CODE},
    "Goal": {"lifecycle-status": _STATUS, "start-date": _DATE},
    "ImagingStudy": {"started": _DATE},
    "Immunization": {"vaccine-code": _CODE},
    "MedicationAdministration": {"effective-time": _DATE},
    "MedicationRequest": {"authoredon": _DATE},
    "MedicationStatement": {"effective": _DATE},
    "QuestionnaireResponse": {"authored": _DATE},
    "ServiceRequest": {"authored": _DATE},
    "Specimen": {"collected": _DATE, "type": _CODE},
}
"""FHIR's own names where it has another word for the same."""


def parameters(*, type: str) -> Mapping[str, Parameter]:
    """The parameters of a type, by name (FHIR R4, search: parameters of the resource types)."""
    plain = {parameter.name: parameter for parameter in _plain(TYPES[type])}
    return plain | {name: parameter._replace(name=name) for name, parameter in _ALSO.get(type, {}).items()}


def _plain(type: Type) -> tuple[Parameter, ...]:
    asked = (
        (_ID, True),
        (_UPDATED, True),
        (_PATIENT, type.belongs != "none"),
        (_SUBJECT, type.patient == "subject"),
        (_IDENTIFIER, type.name not in _WITHOUT_IDENTIFIER),
        (_NAME, type.name in _NAMED),
        (_BIRTHDATE, type.name == "Patient"),
        (_CODE, bool(type.code)),
        (_CATEGORY, bool(type.category)),
        (_DATE, bool(type.happened)),
        (_STATUS, bool(type.status)),
    )
    return tuple(parameter for parameter, there in asked if there)
