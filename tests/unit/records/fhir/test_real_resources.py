"""Resources that nobody here wrote: all of them are valid, and all can be told, found and planned."""

import bz2
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.records.domain.fhir import TYPES, occurred, period_of, search_fields, summary
from services.records.edges.fhir.bundle import plan
from services.records.edges.fhir.resolution import resolve
from services.records.edges.fhir.selection import leave_out
from services.records.edges.fhir.validation import problems
from shared.runtime import json


def _examples(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        resource = json.loads(path.read_bytes())
        if resource["resourceType"] in TYPES:
            yield resource


def _bundle(path: Path) -> tuple[dict[str, Any], Counter[str]]:
    return leave_out(bundle=json.loads(bz2.decompress(path.read_bytes())))


def _smallest(folder: Path, *, count: int) -> list[Path]:
    return sorted(folder.glob("*.bz2"), key=lambda path: path.stat().st_size)[:count]


def _takes_in(path: Path) -> Counter[str]:
    """The types of a Bundle's resources, after all that a service does with each."""
    made = plan(bundle=_bundle(path)[0])
    ids = {step.full_url: f"{step.request.type}/{step.index}" for step in made.steps if step.full_url}
    steps = resolve(plan=made, ids=ids, conditional=dict.fromkeys(made.conditional, "Practitioner/1"))
    for step in steps:
        assert step.problems == ()
        assert step.resource is not None
        assert not [text for _, text in step.references if "?" in text or text.startswith("urn:")]
        _told(step.resource)
    return Counter(step.request.type for step in steps if step.request.type)


def _told(resource: dict[str, Any]) -> None:
    assert summary(resource=resource)
    assert search_fields(resource=resource)["type"] == resource["resourceType"]
    happened = occurred(resource=resource)
    assert happened is None or period_of(happened)


def test_the_examples_of_the_standard_are_valid(shared_data: Path) -> None:
    examples = list(_examples(shared_data / "fhir-r4"))
    assert len(examples) == 12
    for resource in examples:
        assert problems(resource=resource) == ()
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        _told(resource)


def test_small_bundles_are_taken_in_whole(shared_data: Path) -> None:
    for path in _smallest(shared_data / "synthea", count=4):
        assert _takes_in(path)


@pytest.mark.slow
def test_every_resource_of_the_types_that_records_holds_is_taken_in(shared_data: Path) -> None:
    taken: Counter[str] = Counter()
    for path in sorted((shared_data / "synthea").glob("*.bz2")):
        taken += _takes_in(path)
    assert taken.total() == 13_646
    assert taken["Observation"] == 7_101
