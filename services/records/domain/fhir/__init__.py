"""Facts about FHIR R4 resources: which types there are, whose they are, when they happened, what they point at."""

from services.records.domain.fhir.found_by import SEARCH_FIELDS, folded, search_fields
from services.records.domain.fhir.references import Target, own_id, references, replace_references, target
from services.records.domain.fhir.summary import human_name, summary
from services.records.domain.fhir.times import EARLIEST, LATEST, Span, occurred, period_of, span
from services.records.domain.fhir.types import (
    DIRECTORY,
    ENTRIES,
    TYPES,
    Resource,
    Type,
    entered_in_error,
    patient_reference,
    status,
)
from services.records.domain.fhir.versions import instant, kept, shown

__all__ = [
    "DIRECTORY",
    "EARLIEST",
    "ENTRIES",
    "LATEST",
    "SEARCH_FIELDS",
    "TYPES",
    "Resource",
    "Span",
    "Target",
    "Type",
    "entered_in_error",
    "folded",
    "human_name",
    "instant",
    "kept",
    "occurred",
    "own_id",
    "patient_reference",
    "period_of",
    "references",
    "replace_references",
    "search_fields",
    "shown",
    "span",
    "status",
    "summary",
    "target",
]
