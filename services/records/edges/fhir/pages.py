"""Bundles as answers: a page of a search, a history, what became of a transaction (FHIR R4, bundle; http)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from services.records.domain.fhir import Resource
from services.records.edges.fhir.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a resource in its history; `resource` is None where it was deleted. `at` is an instant's text."""

    type: str
    id: str
    version: int
    at: str
    resource: Resource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one entry of a Bundle. `status` as in `201 Created`; `at` an instant's text."""

    status: str
    location: str | None = None
    version: int | None = None
    at: str | None = None
    resource: Resource | None = None
    outcome: dict[str, Any] | None = None


def searchset(
    *, base: str, search: Search, resources: Sequence[Resource], cursor: str | None, total: int | None = None
) -> dict[str, Any]:
    """One page. `base` is the FHIR door's address, without a slash at its end; `cursor` where the next page begins."""
    links = [{"relation": "self", "url": _url(base, search, search.cursor)}]
    if cursor is not None:
        links.append({"relation": "next", "url": _url(base, search, cursor)})
    entries = [
        {
            "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "search": {"mode": "match"},
        }
        for resource in resources
    ]
    return _bundle("searchset", total=total, link=links, entry=entries)


def history(*, base: str, versions: Sequence[Version]) -> dict[str, Any]:
    """All versions of one resource, newest first as given (FHIR R4, http: history)."""
    return _bundle("history", total=len(versions), entry=[_version(base, version) for version in versions])


def response(*, kind: str, done: Sequence[Done]) -> dict[str, Any]:
    """The answer to a transaction or batch, in the order of its entries."""
    return _bundle(f"{kind}-response", entry=[_done(each) for each in done])


def etag(*, version: int) -> str:
    """A version as a weak entity tag (FHIR R4, http: versioning)."""
    return f'W/"{version}"'


def _url(base: str, search: Search, cursor: str | None) -> str:
    asked = [*search.asked, *([("_cursor", cursor)] if cursor is not None else [])]
    query = urlencode(asked, safe="/:|,", quote_via=quote)
    return f"{base}/{search.type}?{query}" if query else f"{base}/{search.type}"


def _version(base: str, version: Version) -> dict[str, Any]:
    """A version is told as the request that may have made it."""
    deleted, created = version.resource is None, version.version == 1
    method = "DELETE" if deleted else "POST" if created else "PUT"
    name = f"{version.type}/{version.id}"
    entry: dict[str, Any] = {"fullUrl": f"{base}/{name}"}
    if version.resource is not None:
        entry["resource"] = version.resource
    entry["request"] = {"method": method, "url": version.type if created else name}
    status = "204" if deleted else "201" if created else "200"
    entry["response"] = {"status": status, "etag": etag(version=version.version), "lastModified": version.at}
    return entry


def _done(done: Done) -> dict[str, Any]:
    tag = etag(version=done.version) if done.version is not None else None
    said = {"status": done.status, "location": done.location, "etag": tag, "lastModified": done.at}
    response = _there({**said, "outcome": done.outcome})
    return _there({"resource": done.resource, "response": response})


def _bundle(type: str, **rest: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, **_there(rest)}


def _there(elements: dict[str, Any]) -> dict[str, Any]:
    """FHIR has no empty elements."""
    return {name: value for name, value in elements.items() if value is not None and value != []}
