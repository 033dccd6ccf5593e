"""What a resource can be found by: the values of the search parameters (FHIR R4, search) as a document's fields."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from services.records.domain.fhir.paths import every
from services.records.domain.fhir.references import target
from services.records.domain.fhir.times import Span, period_of, span
from services.records.domain.fhir.types import TYPES, Resource, patient_reference, status

SEARCH_FIELDS: Mapping[str, Literal["text", "texts", "words", "time"]] = {
    "type": "text",
    "id": "text",
    "patient": "text",
    "identifier": "texts",
    "name": "words",
    "birthdate_start": "time",
    "birthdate_end": "time",
    "code": "texts",
    "category": "texts",
    "date_start": "time",
    "date_end": "time",
    "status": "text",
    "updated": "time",
}
"""The declared fields and their kinds. `*_end` is exclusive; a period that is still open ends in the year 9999."""


def search_fields(*, resource: Resource) -> dict[str, str | list[str] | datetime | None]:
    """The fields' values. What the envelope knows better (a Provenance's `patient`, `updated`) overrides them."""
    type = TYPES[resource["resourceType"]]
    date_start, date_end = span(resource=resource) or (None, None)
    birth_start, birth_end = _birth(resource) or (None, None)
    return {
        "type": type.name,
        "id": resource.get("id"),
        "patient": _patient(resource),
        "identifier": _unique(_identifiers(resource)),
        "name": _unique(_names(resource)),
        "birthdate_start": birth_start,
        "birthdate_end": birth_end,
        "code": _unique(_tokens(resource, *type.code)),
        "category": _unique(_tokens(resource, type.category)),
        "date_start": date_start,
        "date_end": date_end,
        "status": status(resource=resource),
        "updated": _updated(resource),
    }


def folded(text: str) -> str:
    """A name as it is compared: without accents, blanks made one (FHIR R4, search: string)."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(plain.casefold().split())


def _patient(resource: Resource) -> str | None:
    if resource["resourceType"] == "Patient":
        return resource.get("id")
    reference = patient_reference(resource=resource)
    points_at = target(reference=reference) if reference else None
    return points_at.id if points_at else None


def _identifiers(resource: Resource) -> list[str]:
    found = [(identifier.get("system", ""), identifier.get("value")) for identifier in every(resource, "identifier")]
    return [text for system, value in found if value for text in (value, f"{system}|{value}")]


def _names(resource: Resource) -> Iterator[str]:
    """Whole parts and their words, so that both `Mary Ann` and `Ann` find `Mary Ann`."""
    for name in (*every(resource, "name"), *every(resource, "alias")):
        parts = [name] if isinstance(name, str) else [text for part in _NAME_PARTS for text in every(name, part)]
        for part in parts:
            whole = folded(part)
            yield from (whole, *whole.split())


def _tokens(resource: Resource, *paths: str) -> list[str]:
    """A code alone and with its system (FHIR R4, search: token)."""
    codings = [coding for path in paths for value in every(resource, path) for coding in _codings(value)]
    found = [(coding.get("system", ""), coding.get("code")) for coding in codings]
    return [text for system, code in found if code for text in (code, f"{system}|{code}")]


def _codings(value: Any) -> list[dict[str, Any]]:
    """Of a CodeableConcept, a Coding or a bare code."""
    if isinstance(value, str):
        return [{"code": value}]
    return value.get("coding", []) if "coding" in value or "text" in value else [value]


def _birth(resource: Resource) -> Span | None:
    born = resource.get("birthDate")
    return period_of(born) if isinstance(born, str) else None


def _updated(resource: Resource) -> datetime | None:
    updated = resource.get("meta", {}).get("lastUpdated")
    return period_of(updated)[0] if isinstance(updated, str) else None


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
