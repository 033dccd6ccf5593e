"""The references of a resource: finding them, telling what they point at, and writing others in their place."""

from collections.abc import Iterator, Mapping
from operator import is_not
from typing import Any, NamedTuple
from uuid import UUID

from services.records.domain.fhir.types import Resource


class Target(NamedTuple):
    """What a reference such as `Patient/123` or `Patient/123/_history/2` points at."""

    type: str
    id: str


def references(*, resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Reference with a `reference` text and its path (`participant[0].individual`), contained resources included.

    Those to contained resources (`#id`) stay inside and are left out, as are logical ones (an identifier only).
    """
    return _within(resource, "")


def target(*, reference: str) -> Target | None:
    """What a relative literal reference points at (FHIR R4, references: literal); None for all other forms."""
    parts = reference.split("/")
    if len(parts) == 2 or (len(parts) == 4 and parts[2] == "_history"):
        return Target(parts[0], parts[1]) if parts[0].isalpha() and parts[1] else None
    return None


def own_id(*, text: str) -> UUID | None:
    """An id that may be one of ours, written as we write it; None for all others: FHIR's ids are compared as texts."""
    try:
        id = UUID(text)
    except ValueError:
        return None
    return id if str(id) == text else None


def replace_references(*, resource: Resource, mapping: Mapping[str, str]) -> Resource:
    """The resource with the references of the mapping replaced; the one given stays as it is.

    Beside references, an attachment or extension that points at an entry of the same Bundle by its `urn:uuid:` follows
    (FHIR R4, http: transaction). Identifiers never change, and narrative is not rewritten.
    """
    replaced: Resource = _replaced(resource, mapping)
    return replaced


_LINKS = frozenset({"reference", "url", "valueUri", "valueUrl"})


def _within(value: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in value.items():
        at = f"{path}.{name}" if path else name
        if isinstance(child, dict):
            yield from _reference(child, at, name)
        elif isinstance(child, list):
            for index, item in enumerate(child):
                if isinstance(item, dict):
                    yield from _reference(item, f"{at}[{index}]", name)


def _reference(value: dict[str, Any], path: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """An Expression has a `reference` too, which is the address of its text and no Reference."""
    text = value.get("reference")
    if isinstance(text, str) and not text.startswith("#") and name != "valueExpression":
        yield path, value
    yield from _within(value, path)


def _replaced(value: Any, mapping: Mapping[str, str]) -> Any:
    """What holds nothing of the mapping is shared with the original, not copied."""
    if isinstance(value, dict):
        members = {
            name: mapping.get(child, child) if name in _LINKS and isinstance(child, str) else _replaced(child, mapping)
            for name, child in value.items()
        }
        return members if any(members[name] is not child for name, child in value.items()) else value
    if isinstance(value, list):
        items = [_replaced(item, mapping) for item in value]
        return items if any(map(is_not, items, value)) else value
    return value
