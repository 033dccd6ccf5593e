"""What the FHIR door can do, made from the tables that it works by (FHIR R4, CapabilityStatement)."""

from collections.abc import Sequence
from typing import Any

from services.records.domain.fhir import TYPES
from services.records.domain.identifier import UNIQUE
from services.records.edges.fhir.parameters import parameters

_INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "create", "search-type")


def metadata(
    *,
    base: str,
    version: str,
    date: str,
    types: Sequence[str] = tuple(TYPES),
    interactions: Sequence[str] = _INTERACTIONS,
) -> dict[str, Any]:
    """The statement of a server of this version at this address; `date` is when its abilities last changed."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Carelog", "version": version},
        "implementation": {"description": "Carelog records", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A bearer token at every door but this one."},
                "resource": [_resource(type, interactions) for type in types],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(type: str, interactions: Sequence[str]) -> dict[str, Any]:
    return {
        "type": type,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": type in UNIQUE,
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical", "enforced"],
        "searchParam": [
            {"name": name, "type": parameter.kind, "documentation": parameter.documentation}
            for name, parameter in parameters(type=type).items()
        ],
    }
