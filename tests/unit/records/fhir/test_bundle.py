"""Transactions and batches become plans, or are refused by the entry and place of each fault."""

import pickle
from typing import Any

import pytest

from services.records.edges.fhir.bundle import InvalidBundle, plan, prepare
from services.records.edges.fhir.criterion import Criterion, criterion
from services.records.edges.fhir.resolution import resolve
from services.records.edges.fhir.selection import leave_out
from shared.runtime import json
from tests.unit.records.fhir.samples import CANARY, ENCOUNTER, OBSERVATION, PATIENT, bent

PETER = "urn:uuid:057aa36e-b892-9964-75b9-ffb46b097e34"
VISIT = "urn:uuid:120de2e7-0af1-cbce-3199-6dbaaf9b60ca"
DOCTOR = "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999895393"


def _post(resource: dict[str, Any], *, url: str | None = None, **request: str) -> dict[str, Any]:
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"], **request}}
    return {"fullUrl": url, **entry} if url else entry


def _bundle(*entries: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def _asks(method: str, url: str, **request: str) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **request}}


def _refused(bundle: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBundle) as refused:
        plan(bundle=bundle)
    assert CANARY not in f"{refused.value} {refused.value.fields}"
    return [(field.name, field.code) for field in refused.value.fields]


def test_a_transaction_becomes_steps_with_their_references_and_conditions() -> None:
    made = plan(bundle=_bundle(_post(PATIENT, url=PETER), _post(ENCOUNTER, url=VISIT), _post(OBSERVATION)))
    assert [step.request.type for step in made.steps] == ["Patient", "Encounter", "Observation"]
    assert made.steps[1].references == (("subject", PETER), ("participant[0].individual", "Practitioner/d-1"))
    assert made.conditional == {DOCTOR}


def test_a_plan_and_its_error_can_cross_processes() -> None:
    made = prepare(raw=json.dumps(_bundle(_post(PATIENT, url=PETER), _post(OBSERVATION))))
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
    with pytest.raises(InvalidBundle) as refused:
        prepare(raw=b"{")
    assert pickle.loads(pickle.dumps(refused.value)).fields == refused.value.fields  # noqa: S301


def test_references_are_resolved_and_the_plan_stays_as_it_is() -> None:
    made = plan(bundle=_bundle(_post(PATIENT, url=PETER), _post(ENCOUNTER, url=VISIT), _post(OBSERVATION)))
    ids = {PETER: "Patient/1", VISIT: "Encounter/2"}
    _, visit, observation = resolve(plan=made, ids=ids, conditional={DOCTOR: "Practitioner/3"})
    assert visit.resource is not None
    assert visit.resource["subject"] == {"reference": "Patient/1"}
    assert observation.references == (("subject", "Patient/p-1"), ("performer[0]", "Practitioner/3"))
    assert made.steps[1].references[0] == ("subject", PETER)


def test_a_relative_reference_means_the_entry_that_came_from_there() -> None:
    made = plan(bundle=_bundle(_post(PATIENT, url="http://elsewhere/fhir/Patient/p-1"), _post(OBSERVATION)))
    ids = {"http://elsewhere/fhir/Patient/p-1": "Patient/new"}
    steps = resolve(plan=made, ids=ids, conditional={DOCTOR: "Practitioner/3"})
    assert steps[1].references[0] == ("subject", "Patient/new")


def test_a_condition_that_matches_nothing_is_named() -> None:
    made = plan(bundle=_bundle(_post(OBSERVATION)))
    with pytest.raises(InvalidBundle) as refused:
        resolve(plan=made, ids={}, conditional={})
    assert [field.name for field in refused.value.fields] == ["Bundle.entry[0].resource.performer[0].reference"]


def test_a_urn_that_names_no_entry_is_named_by_its_place() -> None:
    assert _refused(_bundle(_post(PATIENT), _post(ENCOUNTER))) == [
        ("Bundle.entry[1].resource.subject.reference", "not-found")
    ]


def test_faults_of_all_entries_are_told() -> None:
    entries = _post(bent(PATIENT, "gender", CANARY)), _post(bent(OBSERVATION, "status", CANARY))
    assert [name for name, _ in _refused(_bundle(*entries))] == [
        "Bundle.entry[0].resource.gender",
        "Bundle.entry[1].resource.status",
    ]


@pytest.mark.parametrize(
    ("entries", "name", "code"),
    [
        ([{"resource": PATIENT}], "Bundle.entry[0].request", "required"),
        ([{}], "Bundle.entry[0]", "structure"),
        ([_asks("POST", "Patient")], "Bundle.entry[0].resource", "required"),
        ([_asks("DELETE", "Patient")], "Bundle.entry[0].request.url", "value"),
        ([_asks("DELETE", "Patient?name=x")], "Bundle.entry[0].request.url", "value"),
        ([_asks("DELETE", f"http://{CANARY}/Patient/1")], "Bundle.entry[0].request.url", "not-supported"),
        ([_asks("DELETE", "Claim/1")], "Bundle.entry[0].request.url", "not-supported"),
        ([_asks("PATCH", "Patient/1")], "Bundle.entry[0].request.method", "not-supported"),
        ([_asks("FETCH", "Patient/1")], "Bundle.entry[0].request.method", "code-invalid"),
        ([_asks("GET", "Patient", ifNoneExist="a=b")], "Bundle.entry[0].request.ifNoneExist", "value"),
        ([_post(PATIENT, ifNoneExist="name=x")], "Bundle.entry[0].request.ifNoneExist", "not-supported"),
        ([_asks("DELETE", "Patient/1")] * 2, "Bundle.entry[1].request.url", "duplicate"),
        ([_post(PATIENT, ifNoneExist="identifier=a|b")] * 2, "Bundle.entry[1].request.url", "duplicate"),
        ([_post(PATIENT, url=PETER)] * 2, "Bundle.entry[1].fullUrl", "duplicate"),
        ([{"resource": PATIENT, **_asks("PUT", "Patient/2")}], "Bundle.entry[0].resource.id", "value"),
        ([{"resource": PATIENT, **_asks("POST", "Organization")}], "Bundle.entry[0].resource.resourceType", "invalid"),
    ],
)
def test_an_entry_that_asks_for_nothing_sensible_is_refused(
    entries: list[dict[str, Any]], name: str, code: str
) -> None:
    assert (name, code) in _refused(_bundle(*entries))


@pytest.mark.parametrize("bundle", [None, [], {}, PATIENT, _bundle(type="searchset"), {**_bundle(), "entry": [None]}])
def test_what_is_no_transaction_is_refused(bundle: Any) -> None:
    assert _refused(bundle)


def test_in_a_batch_each_step_has_its_own_problems() -> None:
    made = plan(bundle=_bundle(_post(bent(PATIENT, "gender", "banana")), _post(PATIENT), type="batch"))
    assert [[field.name for field in step.problems] for step in made.steps] == [["Bundle.entry[0].resource.gender"], []]


def test_steps_are_worked_off_in_the_order_of_the_standard() -> None:
    asks = _asks("GET", "Patient?name=x"), {"resource": PATIENT, **_asks("PUT", "Patient/p-1")}, _post(OBSERVATION)
    made = plan(bundle=_bundle(*asks, _asks("DELETE", "Observation/9")))
    assert [step.request.method for step in made.ordered] == ["DELETE", "POST", "PUT", "GET"]
    assert made.steps[0].request.query == "name=x"


def test_a_condition_is_an_identifier_with_its_system() -> None:
    assert criterion(text="Patient?identifier=http://x%7C7") == Criterion("Patient", "http://x", "7")
    for other in ("Patient", "Patient?name=x", "Patient?identifier=7", "Claim?identifier=a|b", "Patient?identifier=a|"):
        assert criterion(text=other) is None


def test_types_that_are_not_held_are_left_out_and_references_to_them_kept() -> None:
    claim = {"fullUrl": VISIT, **_post({"resourceType": "Claim"})}
    provenance = {"resourceType": "Provenance", "target": [{"reference": PETER}, {"reference": VISIT}]}
    bundle, out = leave_out(bundle=_bundle(_post(PATIENT, url=PETER), claim, _post(provenance)))
    assert out == {"Claim": 1}
    assert bundle["entry"][1]["resource"]["target"] == [
        {"reference": PETER},
        {"reference": f"Claim/{VISIT.removeprefix('urn:uuid:')}"},
    ]
