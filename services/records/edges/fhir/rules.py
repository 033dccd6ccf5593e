"""Rules between the elements of one structure (FHIR R4: the invariants of the resources and datatypes), by their keys.

A rule sees a structure whose elements are each valid by themselves. It answers where it is broken, and in which words.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.records.domain.fhir import EARLIEST, LATEST, period_of

Value = Mapping[str, Any]
Broken = Iterator[tuple[str, str]]
"""Element names below the structure (empty: the structure itself) and the rule in words."""

Rule = Callable[[Value], Broken]


def _needs(element: str, other: str) -> Rule:
    """Where one element is, the other has to be."""

    def rule(value: Value) -> Broken:
        if element in value and other not in value and f"_{other}" not in value:
            yield other, f"must be there when {element} is"

    return rule


def _either(*elements: str) -> Rule:
    """At least one of these has to be there."""

    def rule(value: Value) -> Broken:
        if not any(element in value for element in elements):
            yield "", "must have one of: " + ", ".join(elements)

    return rule


def _not_both(element: str, other: str) -> Rule:
    def rule(value: Value) -> Broken:
        if element in value and other in value:
            yield other, f"must not be there beside {element}"

    return rule


def _extension(value: Value) -> Broken:
    """ext-1."""
    has_value = any(name.startswith(("value", "_value")) for name in value)
    if has_value == ("extension" in value):
        yield "", "must have a value or extensions of its own, and not both"


def _period(value: Value) -> Broken:
    """per-1."""
    start = period_of(value["start"])[0] if "start" in value else EARLIEST
    end = period_of(value["end"])[1] if "end" in value else LATEST
    if start > end:
        yield "end", "must not be before start"


def _ratio(value: Value) -> Broken:
    """rat-1."""
    if ("numerator" in value) != ("denominator" in value) or not value.keys() & {"numerator", "extension"}:
        yield "", "must have a numerator and a denominator"


def _observation(value: Value) -> Broken:
    """obs-6."""
    if "dataAbsentReason" in value and any(name.startswith("value") for name in value):
        yield "dataAbsentReason", "must not be there beside a value"


def _condition(value: Value) -> Broken:
    """con-4, con-5."""
    if _says(value, "verificationStatus", "entered-in-error") and "clinicalStatus" in value:
        yield "clinicalStatus", "must not be there when verificationStatus is entered-in-error"
    abated = any(name.startswith("abatement") for name in value)
    if abated and "clinicalStatus" in value and not _says(value, "clinicalStatus", "inactive", "resolved", "remission"):
        yield "clinicalStatus", "must be inactive, resolved or remission when there is an abatement"


def _allergy(value: Value) -> Broken:
    """ait-1, ait-2."""
    mistaken = _says(value, "verificationStatus", "entered-in-error")
    if mistaken and "clinicalStatus" in value:
        yield "clinicalStatus", "must not be there when verificationStatus is entered-in-error"
    if not mistaken and "clinicalStatus" not in value:
        yield "clinicalStatus", "must be there unless verificationStatus is entered-in-error"


def _target(value: Value) -> Broken:
    """gol-1."""
    if "measure" not in value and any(name.startswith("detail") for name in value):
        yield "measure", "must be there when there is a detail"


def _family(value: Value) -> Broken:
    """fhs-1, fhs-2."""
    aged = any(name.startswith("age") for name in value)
    if aged and any(name.startswith("born") for name in value):
        yield "", "must not have both an age and a birth"
    if "estimatedAge" in value and not aged:
        yield "estimatedAge", "must not be there without an age"


def _administered(value: Value) -> Broken:
    """mad-1."""
    if "dose" not in value and not any(name.startswith("rate") for name in value):
        yield "", "must have a dose or a rate"


def _says(value: Value, element: str, *codes: str) -> bool:
    return any(coding.get("code") in codes for coding in value.get(element, {}).get("coding", ()))


_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")

RULES: Mapping[str, tuple[Rule, ...]] = {
    **{quantity: (_needs("code", "system"),) for quantity in _QUANTITIES},
    "AllergyIntolerance": (_allergy,),
    "Attachment": (_needs("data", "contentType"),),
    "CarePlanActivity": (_not_both("detail", "reference"),),
    "Condition": (_condition,),
    "Consent": (_either("policy", "policyRule"),),
    "ContactPoint": (_needs("value", "system"),),
    "Extension": (_extension,),
    "FamilyMemberHistory": (_family,),
    "GoalTarget": (_target,),
    "ImmunizationEducation": (_either("documentType", "reference"),),
    "MedicationAdministrationDosage": (_administered,),
    "Observation": (_observation,),
    "Organization": (_either("identifier", "name"),),
    "PatientContact": (_either("name", "telecom", "address", "organization"),),
    "Period": (_period,),
    "QuestionnaireResponseItem": (_not_both("item", "answer"),),
    "Ratio": (_ratio,),
    "ServiceRequest": (_needs("orderDetail", "code"),),
    "TimingRepeat": (_needs("duration", "durationUnit"), _needs("period", "periodUnit")),
}
"""qty-3, att-1, cpl-3, ppc-1, cpt-2, gol-1, imm-1, org-1, pat-1, qrs-1, prr-1, tim-1, tim-2 and those named above."""
