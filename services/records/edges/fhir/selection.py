"""A Bundle of everything that another system has, cut down to what records holds."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from services.records.domain.fhir import TYPES, replace_references


def leave_out(*, bundle: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """The Bundle without resources of types that records does not hold, and how many of each were left out.

    References to them are kept as literal ones (`Claim/<uuid>`), which records takes as they stand.
    """
    entries = [entry for entry in bundle.get("entry", ()) if isinstance(entry, dict)]
    out = {id(entry): name for entry in entries if (name := _type(entry)) and name not in TYPES}
    names = {
        entry["fullUrl"]: f"{out[id(entry)]}/{entry['fullUrl'].rpartition(':')[2]}"
        for entry in entries
        if id(entry) in out and str(entry.get("fullUrl", "")).startswith("urn:uuid:")
    }
    kept = [_renamed(entry, names) for entry in entries if id(entry) not in out]
    return {**bundle, "entry": kept}, Counter(out.values())


def _type(entry: dict[str, Any]) -> str | None:
    resource = entry.get("resource")
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    return name if isinstance(name, str) else None


def _renamed(entry: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    resource = entry.get("resource")
    if not names or not isinstance(resource, dict):
        return entry
    return {**entry, "resource": replace_references(resource=resource, mapping=names)}
