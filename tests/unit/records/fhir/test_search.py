"""What a FHIR search asks the documents, and how it is refused where it cannot be answered."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.records.domain.fhir import EARLIEST, SEARCH_FIELDS, TYPES
from services.records.edges.fhir.parameters import parameters
from services.records.edges.fhir.search import MOST, InvalidSearch, read_search
from shared.runtime.documents.port import AnyOf, Equal, In, Prefix, Range, Term
from tests.unit.records.fhir.samples import CANARY

YEAR = datetime(2011, 1, 1, tzinfo=UTC)
NEXT = datetime(2012, 1, 1, tzinfo=UTC)


def _terms(type: str, *query: tuple[str, str]) -> list[Term]:
    first, *rest = read_search(type=type, query=query).terms
    assert first == Equal("type", type)
    return rest


@pytest.mark.parametrize(
    ("name", "value", "term"),
    [
        ("_id", "o-1", Equal("id", "o-1")),
        ("patient", "Patient/p-1", Equal("patient", "p-1")),
        ("subject", "p-1", Equal("patient", "p-1")),
        ("code", "http://loinc.org|4548-4", Equal("code", "http://loinc.org|4548-4")),
        ("code", "4548-4,17856-6", In("code", ["4548-4", "17856-6"])),
        ("identifier", r"|a\,b", Equal("identifier", "|a,b")),
        ("status", "http://hl7.org/fhir/observation-status|final", Equal("status", "final")),
        ("date", "gt2011", Range(field="date_end", gt=NEXT)),
        ("date", "lt2011", Range(field="date_start", ge=EARLIEST, lt=YEAR)),
        ("date", "ge2011", AnyOf([Range(field="date_end", gt=NEXT), Range(field="date_start", ge=YEAR)])),
        ("_lastUpdated", "ge2011", Range(field="updated", ge=YEAR)),
    ],
)
def test_a_parameter_becomes_a_term(name: str, value: str, term: Term) -> None:
    assert _terms("Observation", (name, value)) == [term]


def test_a_date_without_prefix_is_a_span_that_holds_the_whole_of_the_other() -> None:
    assert _terms("Observation", ("date", "2011")) == [
        Range(field="date_start", ge=YEAR),
        Range(field="date_end", ge=EARLIEST, le=NEXT),
    ]


def test_repeated_parameters_are_and_and_commas_are_or() -> None:
    assert _terms("Patient", ("name", "Müll,Ann"), ("name", "peter")) == [
        AnyOf([Prefix("name", "mull"), Prefix("name", "ann")]),
        Prefix("name", "peter"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("favourite", CANARY, "favourite"),
        (f"x={CANARY}!", "a", "query"),
        ("name:exact", CANARY, "name"),
        ("patient.name", CANARY, "query"),
        ("_sort", CANARY, "_sort"),
        ("birthdate", CANARY, "birthdate"),
        ("birthdate", "ne2011", "birthdate"),
        ("birthdate", "ap2011", "birthdate"),
        ("birthdate", "2011-02-30", "birthdate"),
        ("birthdate", "2011,2012", "birthdate"),
        ("patient", f"Group/{CANARY}", "patient"),
        ("identifier", "http://x|", "identifier"),
        ("identifier", "", "identifier"),
        ("identifier", "a,,b", "identifier"),
        ("identifier", f"{CANARY}\0", "identifier"),
        ("name", " ", "name"),
        ("_count", "0", "_count"),
        ("_count", "-1", "_count"),
        ("_count", CANARY, "_count"),
        ("_format", "xml", "_format"),
        ("date", "2011", "date"),
    ],
)
def test_what_is_not_built_is_refused_by_the_name_of_its_parameter(name: str, value: str, named: str) -> None:
    with pytest.raises(InvalidSearch) as refused:
        read_search(type="Patient", query=[(name, value)])
    assert [field.name for field in refused.value.fields] == [named]
    assert CANARY not in f"{refused.value} {refused.value.fields}"
    assert refused.value.status == 400


def test_pages_have_a_size_and_a_beginning() -> None:
    search = read_search(type="Patient", query=[("_count", "100000"), ("_cursor", "abc"), ("name", "x")])
    assert (search.count, search.cursor, search.asked) == (MOST, "abc", (("_count", "100000"), ("name", "x")))


@pytest.mark.parametrize("type", TYPES)
def test_every_parameter_asks_a_field_that_documents_have(type: str) -> None:
    for parameter in parameters(type=type).values():
        names = (parameter.field, f"{parameter.field}_start", f"{parameter.field}_end")
        assert SEARCH_FIELDS.keys() & set(names)


@given(st.sampled_from(["name", "birthdate", "identifier", "_id", "patient", "_lastUpdated", "_count"]), st.text())
def test_any_value_is_a_search_or_refused(name: str, value: str) -> None:
    try:
        assert read_search(type="Patient", query=[(name, value)]).terms
    except InvalidSearch:
        return
