"""The required bindings of FHIR R4 that the definitions of `fhir.resources` leave out or cut short: codes per element.

An element is named by its structure and its own name, as in `ObservationComponent.code`.
"""

from collections.abc import Mapping
from typing import NamedTuple


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_COMPARATORS = "< <= >= >"
_ENCOUNTER = "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
_MEALS = "MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS HS WAKE"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"

CODES: Mapping[str, frozenset[str]] = {
    element: words(codes)
    for element, codes in {
        "Age.comparator": _COMPARATORS,
        "Count.comparator": _COMPARATORS,
        "DeviceUdiCarrier.entryType": "barcode rfid manual card self-reported unknown",
        "DiagnosticReport.status": (
            "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
        ),
        "Distance.comparator": _COMPARATORS,
        "Duration.comparator": _COMPARATORS,
        "Encounter.status": _ENCOUNTER,
        "EncounterStatusHistory.status": _ENCOUNTER,
        "Observation.status": ("registered preliminary final amended corrected cancelled entered-in-error unknown"),
        "Quantity.comparator": _COMPARATORS,
        "TimingRepeat.when": f"{_MEALS} C CM CD CV AC ACM ACD ACV PC PCM PCD PCV",
    }.items()
}


class Concepts(NamedTuple):
    """The codes of one system; a CodeableConcept bound to them has one of them among its codings."""

    system: str
    codes: frozenset[str]


CONCEPTS: Mapping[str, Concepts] = {
    element: Concepts(_TERMINOLOGY + system, words(codes))
    for element, system, codes in (
        ("AllergyIntolerance.clinicalStatus", "allergyintolerance-clinical", "active inactive resolved"),
        (
            "AllergyIntolerance.verificationStatus",
            "allergyintolerance-verification",
            "unconfirmed confirmed refuted entered-in-error",
        ),
        (
            "Condition.clinicalStatus",
            "condition-clinical",
            "active recurrence relapse inactive remission resolved",
        ),
        (
            "Condition.verificationStatus",
            "condition-ver-status",
            "unconfirmed provisional differential confirmed refuted entered-in-error",
        ),
        ("SupplyDelivery.type", "supply-item-type", "medication device"),
    )
}
