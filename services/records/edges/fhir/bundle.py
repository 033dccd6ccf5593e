"""A transaction or batch Bundle, read into a plan (FHIR R4, http: transaction and batch). Pure: nothing is looked up.

`prepare` turns bytes into a valid plan; the caller finds the ids and what the conditions match; `resolution` puts them
in. A transaction stands or falls as one; in a batch each step carries its own problems.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.records.domain.fhir import Resource, references
from services.records.edges.fhir.criterion import criterion, is_conditional
from services.records.edges.fhir.request import Request, read_request
from services.records.edges.fhir.validation import problems, structure_problems
from shared.kernel import Field, Invalid
from shared.runtime import json

MOST_ENTRIES = 5_000

Kind = Literal["transaction", "batch"]

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3}


class InvalidBundle(Invalid):
    """The Bundle is not valid."""

    def __reduce__(self) -> tuple[Any, ...]:
        """It is found in a worker process and told in another."""
        return _again, (tuple(self.fields), self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry: what it asks for, and the references of its resource as (path, text), `#id` left out."""

    index: int
    request: Request
    full_url: str | None = None
    resource: Resource | None = None
    references: tuple[tuple[str, str], ...] = ()
    problems: tuple[Field, ...] = ()

    def broken(self, *, name: str, message: str, code: str) -> "Step":
        """The step with one problem more."""
        return replace(self, problems=(*self.problems, Field(f"Bundle.entry[{self.index}].{name}", message, code)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in the order of the Bundle, and every condition as it stands (`Practitioner?identifier=...`)."""

    kind: Kind
    steps: tuple[Step, ...]
    conditional: frozenset[str]

    @property
    def ordered(self) -> tuple[Step, ...]:
        """The order of processing: DELETE, POST, PUT, GET (FHIR R4, http: transaction rules)."""
        return tuple(sorted(self.steps, key=lambda step: _ORDER.get(step.request.method, 9)))


def prepare(*, raw: bytes) -> Plan:
    """The plan of a Bundle as it arrived. May run in another thread or process: plan and error can be pickled.

    Raises `InvalidBundle`: not JSON, no Bundle of a kind taken here, or (in a transaction) any entry that is not valid.
    """
    try:
        bundle = json.loads(raw)
    except ValueError:
        raise InvalidBundle(Field("Bundle", "must be JSON", "structure")) from None
    return plan(bundle=bundle)


def plan(*, bundle: Any) -> Plan:
    """The plan of a Bundle. Raises `InvalidBundle` as `prepare` does."""
    faults = _envelope(bundle)
    if faults:
        raise InvalidBundle(*faults)
    kind: Kind = bundle["type"]
    steps = [_step(index, entry) for index, entry in enumerate(bundle.get("entry", ()))]
    steps = _linked(_singled(steps), within=kind == "transaction")
    found = [problem for step in steps for problem in step.problems]
    if found and kind == "transaction":
        raise InvalidBundle(*found)
    return Plan(kind=kind, steps=tuple(steps), conditional=frozenset(_conditional(steps)))


def _again(fields: tuple[Field, ...], detail: str) -> InvalidBundle:
    return InvalidBundle(*fields, detail=detail)


def _envelope(bundle: Any) -> tuple[Field, ...]:
    """What is wrong with the Bundle itself, its resources aside."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return (Field("resourceType", "must be Bundle", "structure"),)
    entries = bundle.get("entry", [])
    if isinstance(entries, list) and len(entries) > MOST_ENTRIES:
        return (Field("Bundle.entry", f"must not be more than {MOST_ENTRIES}: send several Bundles", "too-costly"),)
    found = structure_problems(value=_without_resources(bundle), name="Bundle", at="Bundle")
    if found or bundle["type"] in {"transaction", "batch"}:
        return found
    return (Field("Bundle.type", "must be transaction or batch", "not-supported"),)


def _without_resources(bundle: dict[str, Any]) -> dict[str, Any]:
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return bundle
    return {**bundle, "entry": [_without_resource(entry) for entry in entries]}


def _without_resource(entry: Any) -> Any:
    if not isinstance(entry, dict) or len(entry) < 2:
        return entry
    return {name: value for name, value in entry.items() if name != "resource"}


def _step(index: int, entry: dict[str, Any]) -> Step:
    at = f"Bundle.entry[{index}]"
    request, faults = read_request(entry=entry, at=at)
    resource = entry.get("resource")
    if resource is not None and not faults:
        faults = problems(resource=resource, type=request.type, at=f"{at}.resource")
    if faults:
        return Step(index=index, request=request, full_url=entry.get("fullUrl"), problems=faults)
    return Step(
        index=index,
        request=request,
        full_url=entry.get("fullUrl"),
        resource=resource,
        references=tuple((path, found["reference"]) for path, found in references(resource=resource or {})),
    )


def _singled(steps: list[Step]) -> list[Step]:
    """No fullUrl names two entries, and no two entries are about the same resource (bdl-7; http: transaction rules)."""
    seen: set[str] = set()
    singled = []
    for step in steps:
        names = {f"url {step.full_url}"} if step.full_url else set()
        about = step.request.about
        if seen & names:
            step = step.broken(
                name="fullUrl", message="must be the only one of its kind in the Bundle", code="duplicate"
            )
        if about and about in seen:
            step = step.broken(
                name="request.url", message="must not name the same resource as another entry", code="duplicate"
            )
        seen |= names | ({about} if about else set())
        singled.append(step)
    return singled


def _linked(steps: list[Step], *, within: bool) -> list[Step]:
    """Every `urn:uuid:` names an entry of the same transaction, every condition can be looked up."""
    urls = (
        {step.full_url for step in steps if step.full_url and step.request.method in {"POST", "PUT"}}
        if within
        else set()
    )
    return [_checked(step, urls) for step in steps]


def _checked(step: Step, urls: set[str]) -> Step:
    for path, text in step.references:
        name = f"resource.{path}.reference"
        if text.startswith("urn:") and text not in urls:
            step = step.broken(name=name, message="must name an entry of the same transaction", code="not-found")
        elif is_conditional(text=text) and criterion(text=text) is None:
            rule = "must be `Type?identifier=system|value` of a type whose identifiers are unique here"
            step = step.broken(name=name, message=rule, code="not-supported")
    return step


def _conditional(steps: list[Step]) -> Iterator[str]:
    for step in steps:
        if step.request.condition:
            yield step.request.condition
        yield from (text for _, text in step.references if criterion(text=text))
