"""What FHIR clients get back: outcomes, pages, histories and the statement of abilities, each valid FHIR."""

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.records.domain.fhir import TYPES
from services.records.edges.fhir.capability import metadata
from services.records.edges.fhir.outcome import informed, of_status, outcome, rendered
from services.records.edges.fhir.pages import Done, Version, history, response, searchset
from services.records.edges.fhir.search import read_search
from services.records.edges.fhir.validation import structure_problems
from shared.kernel import Field, Invalid, NotFound, Refused, Stale
from shared.runtime import json
from shared.runtime.http.problems import problem_of
from tests.unit.records.fhir.samples import ENCOUNTER, OBSERVATION

BASE = "http://127.0.0.1:8101/fhir"


def _valid(resource: dict[str, Any]) -> dict[str, Any]:
    name = resource["resourceType"]
    get_fhir_model_class(name).model_validate(resource)
    assert structure_problems(value=resource, name=name, at=name) == ()
    return resource


def test_an_outcome_has_an_issue_for_each_field() -> None:
    made = _valid(outcome(error=Invalid(Field("Patient.gender", "must be there", "required"), Field("x", "y", "odd"))))
    assert [(issue["code"], issue["expression"]) for issue in made["issue"]] == [
        ("required", ["Patient.gender"]),
        ("invalid", ["x"]),
    ]


@pytest.mark.parametrize(("error", "code"), [(NotFound(), "not-found"), (Refused(), "conflict"), (Stale(), "conflict")])
def test_an_outcome_tells_the_status(error: NotFound, code: str) -> None:
    assert _valid(outcome(error=error))["issue"][0]["code"] == code
    assert _valid(of_status(status=410, detail="It was deleted."))["issue"][0]["code"] == "deleted"
    _valid(informed(detail="All is well."))


def test_a_problem_is_shown_as_an_outcome() -> None:
    shown = rendered(problem_of(Invalid(Field("Patient.gender", "must be there", "required"))))
    assert (shown.status_code, shown.media_type) == (422, "application/fhir+json")
    assert _valid(json.loads(bytes(shown.body)))["issue"][0]["expression"] == ["Patient.gender"]


def test_a_page_leads_to_itself_and_to_the_next() -> None:
    search = read_search(type="Observation", query=[("code", "http://loinc.org|4548-4"), ("_count", "1")])
    page = _valid(searchset(base=BASE, search=search, resources=[{**OBSERVATION, "id": "o-1"}], cursor="a b"))
    own, following = (link["url"] for link in page["link"])
    assert own == f"{BASE}/Observation?code=http://loinc.org|4548-4&_count=1"
    assert following == f"{own}&_cursor=a%20b"
    assert page["entry"][0]["fullUrl"] == f"{BASE}/Observation/o-1"


def test_an_empty_page_has_no_empty_elements() -> None:
    page = _valid(
        searchset(base=BASE, search=read_search(type="Patient", query=[]), resources=[], cursor=None, total=0)
    )
    assert (page["total"], "entry" in page) == (0, False)


def test_a_history_tells_each_version_as_its_request() -> None:
    at = "2020-03-07T11:35:38.000Z"
    versions = [
        Version(type="Encounter", id="e", version=3, at=at, resource=None),
        Version(type="Encounter", id="e", version=2, at=at, resource=ENCOUNTER),
        Version(type="Encounter", id="e", version=1, at=at, resource=ENCOUNTER),
    ]
    made = _valid(history(base=BASE, versions=versions))
    assert [entry["request"]["method"] for entry in made["entry"]] == ["DELETE", "PUT", "POST"]
    assert made["entry"][1]["response"]["etag"] == 'W/"2"'


def test_the_answer_to_a_transaction_tells_where_each_entry_went() -> None:
    done = [Done(status="201 Created", location="Encounter/e/_history/1", version=1), Done(status="204 No Content")]
    made = _valid(response(kind="transaction", done=done))
    assert made["type"] == "transaction-response"
    assert made["entry"][0]["response"] == {
        "status": "201 Created",
        "location": "Encounter/e/_history/1",
        "etag": 'W/"1"',
    }


def test_the_statement_of_abilities_names_every_type_and_parameter() -> None:
    statement = _valid(metadata(base=BASE, version="0.1.0", date="2026-01-01"))
    resources = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    assert resources.keys() == TYPES.keys()
    assert {"_id", "name", "birthdate", "identifier"} <= {each["name"] for each in resources["Patient"]["searchParam"]}
