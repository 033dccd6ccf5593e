"""The references of a resource: finding them, telling what they point at, and writing others in their place."""

from collections.abc import Mapping
from functools import lru_cache
from operator import is_not
from typing import Any, NamedTuple
from uuid import UUID

from services.records.domain.fhir.types import Resource


class Target(NamedTuple):
    """What a reference such as `Patient/123` or `Patient/123/_history/2` points at."""

    type: str
    id: str


def references(*, resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    """Every Reference with a `reference` text and its path (`participant[0].individual`), contained resources included.

    Those to contained resources (`#id`) stay inside and are left out, as are logical ones (an identifier only).
    """
    found: list[tuple[str, dict[str, Any]]] = []
    _gather(resource, "", found)
    return found


@lru_cache(maxsize=4_096)
def target(*, reference: str) -> Target | None:
    """What a relative literal reference points at (FHIR R4, references: literal); None for all other forms."""
    parts = reference.split("/")
    if len(parts) == 2 or (len(parts) == 4 and parts[2] == "_history"):
        return Target(parts[0], parts[1]) if parts[0].isalpha() and parts[1] else None
    return None


@lru_cache(maxsize=4_096)
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


def _gather(value: dict[str, Any], path: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    """Every resource is walked more than once, so this is plain: JSON has no other types than exact ones.

    An Expression has a `reference` too, which is the address of its text and no Reference.
    """
    text = value.get("reference")
    if type(text) is str and path and not text.startswith("#") and not path.endswith("valueExpression"):
        found.append((path, value))
    before = f"{path}." if path else ""
    for name, child in value.items():
        kind = type(child)
        if kind is dict:
            _gather(child, before + name, found)
        elif kind is list:
            for index, item in enumerate(child):
                if type(item) is dict:
                    _gather(item, f"{before}{name}[{index}]", found)


def _replaced(value: Any, mapping: Mapping[str, str]) -> Any:
    """What holds nothing of the mapping is shared with the original, not copied."""
    return _members(value, mapping) if type(value) is dict else _items(value, mapping) if type(value) is list else value


def _members(value: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    changed = value
    for name, child in value.items():
        kind = type(child)
        if kind is str:
            new = mapping.get(child, child) if name in _LINKS else child
        elif kind is dict:
            new = _members(child, mapping)
        elif kind is list:
            new = _items(child, mapping)
        else:
            continue
        if new is not child:
            changed = {**value} if changed is value else changed
            changed[name] = new
    return changed


def _items(value: list[Any], mapping: Mapping[str, str]) -> list[Any]:
    items = [_replaced(item, mapping) for item in value]
    return items if any(map(is_not, items, value)) else value
