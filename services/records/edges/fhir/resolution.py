"""A plan's references, once the ids are known and the conditions looked up: pure, the plan stays as it is."""

from collections.abc import Mapping
from dataclasses import replace

from services.records.domain.fhir import replace_references
from services.records.edges.fhir.bundle import InvalidBundle, Plan, Step
from services.records.edges.fhir.criterion import criterion


def resolve(*, plan: Plan, ids: Mapping[str, str], conditional: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps, in the order of the Bundle, with references replaced.

    `ids`: the `Type/id` of each fullUrl that is created or updated; `conditional`: the `Type/id` that each condition
    matched, left out where it matched none or several: `InvalidBundle` then, or in a batch a problem of the step.
    """
    mapping = {**conditional, **(_aliases(ids) if plan.kind == "transaction" else {})}
    steps = tuple(_resolved(step, mapping) for step in plan.steps)
    found = [problem for step in steps for problem in step.problems]
    if found and plan.kind == "transaction":
        raise InvalidBundle(*found)
    return steps


def _aliases(ids: Mapping[str, str]) -> dict[str, str]:
    """A fullUrl `http://elsewhere/Patient/1` is what `Patient/1` means in that Bundle (FHIR R4, bundle: references)."""
    relative = {"/".join(url.split("/")[-2:]): id for url, id in ids.items() if url.startswith(("http://", "https://"))}
    return {**relative, **ids}


def _resolved(step: Step, mapping: Mapping[str, str]) -> Step:
    for path, text in step.references:
        if text not in mapping and criterion(text=text):
            name = f"resource.{path}.reference"
            step = step.broken(name=name, message="must match exactly one resource that is here", code="not-found")
    if step.problems or step.resource is None or not step.references:
        return step
    resource = replace_references(resource=step.resource, mapping=mapping)
    return replace(
        step,
        resource=resource,
        references=tuple((path, mapping.get(text, text)) for path, text in step.references),
    )
