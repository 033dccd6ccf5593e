"""Whatever is sent, the answer is yes or a list of faults; and what the library's own validators refuse is refused."""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.records.domain.fhir import occurred, patient_reference, references, search_fields, status, summary
from services.records.edges.fhir.validation import problems
from tests.unit.records.fhir.samples import SAMPLES, bent, paths

_PLACES = [(sample, path) for sample in SAMPLES for path in paths(sample) if path != "resourceType"]

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=True, allow_infinity=True)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["2011", "2011-02-30", "final", "urn:uuid:1", "#x", "Patient/1", "Patient?a=b", "\0", "\ud800", "{}"]
    )
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "url", "value", "code", "extension", "reference", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(deadline=None)  # the first resource of a type reads its definitions
@given(st.sampled_from(_PLACES), _VALUES)
def test_a_bent_resource_is_valid_or_invalid_and_never_breaks_anything(
    place: tuple[dict[str, Any], str], value: Any
) -> None:
    resource = bent(*place, value)
    found = problems(resource=resource)
    assert all(fault.name and fault.message for fault in found)
    if not found:
        _used(resource)
        _accepted_by_the_library(resource)


@settings(deadline=None)
@given(_VALUES)
def test_anything_at_all_is_answered(value: Any) -> None:
    assert problems(resource=value)


def _used(resource: dict[str, Any]) -> None:
    """Whatever is valid can be told and found."""
    summary(resource=resource)
    search_fields(resource=resource)
    status(resource=resource), occurred(resource=resource), patient_reference(resource=resource)
    list(references(resource=resource))


def _accepted_by_the_library(resource: dict[str, Any]) -> None:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as refused:
        raise AssertionError([(error["loc"], error["type"]) for error in refused.errors()]) from None
