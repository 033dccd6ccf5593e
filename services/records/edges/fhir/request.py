"""What one entry of a Bundle asks for: its method, its address and its conditions (FHIR R4, bundle: request)."""

import re
from dataclasses import dataclass
from typing import Any

from services.records.domain.fhir import TYPES
from services.records.edges.fhir.criterion import criterion
from shared.kernel import Field

_URL = re.compile(r"/?(?P<type>[A-Z][A-Za-z]+)(/(?P<id>[A-Za-z0-9\-.]{1,64}))?(\?(?P<query>\S*))?")
_METHODS = frozenset({"POST", "PUT", "DELETE", "GET"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`condition`: a POST's ifNoneExist as `Type?identifier=...`; `query`: a GET's; `if_match`: an entity tag."""

    method: str
    type: str | None = None
    id: str | None = None
    query: str | None = None
    condition: str | None = None
    if_match: str | None = None

    @property
    def about(self) -> str | None:
        """The resource it changes, where that is known beforehand: no other entry may be about the same."""
        if self.method in {"PUT", "DELETE"}:
            return f"{self.type}/{self.id}"
        return self.condition


def read_request(*, entry: dict[str, Any], at: str) -> tuple[Request, tuple[Field, ...]]:
    """The request of an entry whose structure is valid, and what is wrong with it."""
    said = entry.get("request")
    if said is None:
        return Request(method=""), (Field(f"{at}.request", "must be there", "required"),)
    url = _URL.fullmatch(said["url"]) if "url" in said else None
    if url is None or url["type"] not in TYPES:
        rule = "must be Type, Type/id or Type?query of a type held here, and no absolute URL"
        return Request(method=said.get("method", "")), (Field(f"{at}.request.url", rule, "not-supported"),)
    request = Request(
        method=said.get("method", ""),
        type=url["type"],
        id=url["id"],
        query=url["query"],
        condition=f"{url['type']}?{said['ifNoneExist'].removeprefix('?')}" if "ifNoneExist" in said else None,
        if_match=said.get("ifMatch"),
    )
    rules = _rules(request, said, entry.get("resource"))
    return request, tuple(Field(f"{at}.{name}", rule, code) for name, broken, rule, code in rules if broken)


def _rules(request: Request, said: dict[str, Any], resource: Any) -> tuple[tuple[str, bool, str, str], ...]:
    """Where, whether it is broken, the rule in words and its code."""
    method, id = request.method, request.id
    writes = method in {"POST", "PUT"}
    own = resource.get("id") if isinstance(resource, dict) else None
    unable = request.condition is not None and criterion(text=request.condition) is None
    return (
        ("request.method", method not in _METHODS, "must be POST, PUT, DELETE or GET", "not-supported"),
        ("request.url", method == "POST" and bool(id or request.query), "must be a type alone for a POST", "value"),
        (
            "request.url",
            method in {"PUT", "DELETE"} and (not id or request.query is not None),
            "must be Type/id",
            "value",
        ),
        ("resource", writes and resource is None, f"must be there for a {method}", "required"),
        ("resource", not writes and resource is not None, "must not be there for a GET or DELETE", "structure"),
        (
            "resource.id",
            method == "PUT" and resource is not None and own != id,
            "must be the id of request.url",
            "value",
        ),
        ("request.ifNoneExist", "ifNoneExist" in said and method != "POST", "must only be there for a POST", "value"),
        (
            "request.ifNoneExist",
            unable,
            "must be `identifier=system|value`, of a type whose identifiers are unique here",
            "not-supported",
        ),
        ("request.ifMatch", "ifMatch" in said and method not in {"PUT", "DELETE"}, "is for PUT and DELETE", "value"),
        ("request.ifNoneMatch", "ifNoneMatch" in said, "is not supported", "not-supported"),
        ("request.ifModifiedSince", "ifModifiedSince" in said, "is not supported", "not-supported"),
    )
