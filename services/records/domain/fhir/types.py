"""The FHIR R4 types that records holds, and what distinguishes one from another: one line each.

A path is element names joined by dots; a repeated element is read in its order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.records.domain.fhir.paths import first

Resource = dict[str, Any]
"""One FHIR resource as its JSON object, numbers as `int` and `Decimal`."""

Kind = Literal["patient", "encounter", "directory", "entry"]
"""Which aggregate keeps it."""

PatientRule = Literal["required", "optional", "targets", "none"]
"""Whether it belongs to a patient. `targets`: to the patient of what it points at (Provenance)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """One type. `happened` and `status`, `code`, `category`, `label` are paths, the first that is there counts."""

    name: str
    kind: Kind = "entry"
    patient: str = "subject"
    belongs: PatientRule = "required"
    happened: tuple[str, ...] = ()
    status: str = "status"
    code: tuple[str, ...] = ("code",)
    category: str = "category"
    label: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """Its word in the names of events: `records.allergyintolerance.recorded`."""
        return self.name.lower()


def _directory(name: str, *, code: tuple[str, ...], status: str = "") -> Type:
    return Type(name=name, kind="directory", patient="", belongs="none", code=code, category="", status=status)


_TYPES = (
    Type(name="Patient", kind="patient", patient="", code=(), category="", status=""),
    Type(
        name="Encounter", kind="encounter", happened=("period",), code=("type",), category="", label=("type", "class")
    ),
    _directory("Organization", code=("type",)),
    _directory("Practitioner", code=("qualification.code",)),
    _directory("PractitionerRole", code=("code", "specialty")),
    _directory("Location", code=("type",), status="status"),
    Type(
        name="Condition",
        happened=("onsetDateTime", "onsetPeriod", "recordedDate"),
        status="clinicalStatus",
    ),
    Type(
        name="AllergyIntolerance",
        patient="patient",
        happened=("onsetDateTime", "onsetPeriod", "recordedDate", "lastOccurrence"),
        status="clinicalStatus",
        code=("code", "reaction.substance"),
    ),
    Type(
        name="Observation",
        happened=("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming.event", "issued"),
    ),
    Type(name="DiagnosticReport", happened=("effectiveDateTime", "effectivePeriod", "issued")),
    Type(name="Procedure", happened=("performedDateTime", "performedPeriod")),
    Type(
        name="Immunization",
        patient="patient",
        happened=("occurrenceDateTime", "recorded"),
        code=("vaccineCode",),
        category="",
    ),
    Type(
        name="MedicationRequest",
        happened=("authoredOn",),
        code=("medicationCodeableConcept",),
        label=("medicationCodeableConcept", "medicationReference"),
    ),
    Type(
        name="MedicationStatement",
        happened=("effectiveDateTime", "effectivePeriod", "dateAsserted"),
        code=("medicationCodeableConcept",),
        label=("medicationCodeableConcept", "medicationReference"),
    ),
    Type(
        name="MedicationAdministration",
        happened=("effectiveDateTime", "effectivePeriod"),
        code=("medicationCodeableConcept",),
        label=("medicationCodeableConcept", "medicationReference"),
    ),
    Type(name="Medication", patient="", belongs="none", category=""),
    Type(
        name="DocumentReference",
        happened=("date", "context.period"),
        code=("type",),
        label=("type", "description", "category"),
    ),
    Type(
        name="CarePlan",
        happened=("period", "created"),
        code=("activity.detail.code",),
        label=("title", "category", "description"),
    ),
    Type(name="CareTeam", happened=("period",), code=(), label=("name", "category")),
    Type(
        name="Goal",
        happened=("startDate", "statusDate"),
        status="lifecycleStatus",
        code=("description",),
    ),
    Type(
        name="Device",
        patient="patient",
        belongs="optional",
        code=("type",),
        category="",
        label=("deviceName.name", "type"),
    ),
    Type(
        name="ImagingStudy",
        happened=("started",),
        code=("procedureCode",),
        category="",
        label=("description", "procedureCode", "modality", "series.modality"),
    ),
    Type(
        name="SupplyDelivery",
        patient="patient",
        happened=("occurrenceDateTime", "occurrencePeriod"),
        code=("suppliedItem.itemCodeableConcept",),
        category="type",
        label=("suppliedItem.itemCodeableConcept", "suppliedItem.itemReference", "type"),
    ),
    Type(
        name="Provenance",
        patient="",
        belongs="targets",
        happened=("occurredDateTime", "occurredPeriod", "recorded"),
        status="",
        code=("activity",),
        category="",
    ),
    Type(
        name="Consent",
        patient="patient",
        happened=("dateTime",),
        code=("provision.code",),
        label=("category", "scope"),
    ),
    Type(name="ServiceRequest", happened=("authoredOn", "occurrenceDateTime", "occurrencePeriod")),
    Type(
        name="Specimen",
        happened=("collection.collectedDateTime", "collection.collectedPeriod", "receivedTime"),
        code=("type",),
        category="",
    ),
    Type(
        name="FamilyMemberHistory",
        patient="patient",
        happened=("date",),
        code=("condition.code",),
        category="relationship",
        label=("relationship", "name"),
    ),
    Type(
        name="QuestionnaireResponse",
        happened=("authored",),
        code=(),
        category="",
        label=("questionnaire",),
    ),
)

TYPES: Mapping[str, Type] = {type.name: type for type in _TYPES}
"""Every type that records holds, by its FHIR name."""

ENTRIES: tuple[str, ...] = tuple(type.name for type in _TYPES if type.kind == "entry")
DIRECTORY: tuple[str, ...] = tuple(type.name for type in _TYPES if type.kind == "directory")


def status(*, resource: Resource) -> str | None:
    """The code of its life cycle: `status`, or what its type has in that place (FHIR R4, resource definitions)."""
    value = first(resource, TYPES[resource["resourceType"]].status)
    return _code(value) if isinstance(value, dict) else value


def entered_in_error(*, resource: Resource) -> bool:
    """Whether its author says that it should never have been said (FHIR R4, `entered-in-error` of each status)."""
    verification = first(resource, "verificationStatus")
    said = status(resource=resource), _code(verification) if isinstance(verification, dict) else None
    return "entered-in-error" in said


def patient_reference(*, resource: Resource) -> str | None:
    """The reference to its patient as it stands (`Patient/x`, `urn:uuid:...`, `Patient?...`), None where it names none.

    A reference to another type (a Group, a Device) names no patient. Provenance has none of its own.
    """
    reference = first(resource, TYPES[resource["resourceType"]].patient)
    text = reference.get("reference") if isinstance(reference, dict) else None
    return text if isinstance(text, str) and text.startswith(("Patient/", "Patient?", "urn:uuid:")) else None


def _code(concept: dict[str, Any]) -> str | None:
    code = first(concept, "coding.code")
    return code if isinstance(code, str) else None
