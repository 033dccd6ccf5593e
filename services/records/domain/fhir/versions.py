"""A resource as one of its versions: with the id, version and time of last update that the log gives it (FHIR R4,
Meta).
"""

from datetime import UTC, datetime
from uuid import UUID

from services.records.domain.fhir.types import Resource

_OURS = frozenset({"versionId", "lastUpdated"})


def kept(resource: Resource, *, id: UUID) -> Resource:
    """What is stored: the resource with its id, without what the log says better. The one given stays as it is."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _OURS}
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "id", "meta")}
    return {"resourceType": resource["resourceType"], "id": str(id), **({"meta": meta} if meta else {}), **rest}


def shown(resource: Resource, *, version: int, recorded: datetime) -> Resource:
    """What a reader gets: the version and the time it was recorded (an instant, in UTC) in its meta."""
    meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": instant(recorded)}
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "id", "meta")}
    return {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta, **rest}


def instant(at: datetime) -> str:
    """FHIR's instant, in UTC and to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
