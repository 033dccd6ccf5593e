"""A resource in a few words, for a timeline: its own words, never ours."""

from typing import Any

from services.records.domain.fhir.paths import every, first
from services.records.domain.fhir.types import TYPES, Resource

_LONGEST = 200


def summary(*, resource: Resource) -> str:
    """What it is about, and an Observation's value; the name of its type where it does not say."""
    type = TYPES[resource["resourceType"]]
    paths = type.label or ("name", *type.code, "code")
    values = [value for path in paths for value in every(resource, path)]
    said = next(filter(None, (*map(_text, values), *map(_code, values))), type.name)
    value = _value(resource)
    return (f"{said}: {value}" if value else said)[:_LONGEST]


def human_name(name: dict[str, Any]) -> str:
    """A person's name as one line (FHIR R4, datatypes: HumanName)."""
    parts = (*name.get("prefix", ()), *name.get("given", ()), name.get("family"), *name.get("suffix", ()))
    return name.get("text") or " ".join(part for part in parts if part)


def _text(value: Any) -> str | None:
    """Of a CodeableConcept, Coding, Reference or HumanName what a person would read first."""
    if isinstance(value, str):
        return value.strip()
    if not isinstance(value, dict):
        return None
    if "family" in value or "given" in value:
        return human_name(value)
    displays = (coding.get("display") for coding in value.get("coding", ()))
    return next(filter(None, (value.get("text"), value.get("display"), *displays)), None)


def _code(value: Any) -> str | None:
    """A bare code, where nothing better was said."""
    code = first(value, "coding.code") or first(value, "code")
    return code if isinstance(code, str) else None


def _value(resource: Resource) -> str | None:
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict) and quantity.get("value") is not None:
        number = f"{quantity.get('comparator', '')}{quantity['value']}"
        return f"{number} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    concept = resource.get("valueCodeableConcept")
    return _text(concept) or _code(concept) or _text(resource.get("valueString"))
