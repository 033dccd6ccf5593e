"""What the door does not take: said by name and by rule, never with the value; nothing is stored, nothing is 500."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.records.clinic import WHY, Clinic
from tests.integration.records.conftest import BODY_LIMIT
from tests.integration.records.samples import CANARY, NOWHERE, bent, fields_of, observation, patient

FHIR = {"Content-Type": "application/fhir+json"}


async def raw(clinic: Clinic, content: bytes, *, path: str = "/fhir/Patient", kind: str = FHIR["Content-Type"]) -> Any:
    client = await clinic.running.at("north-clinic", role="clinician")
    return await client.post(path, content=content, headers={"Content-Type": kind})


async def is_refused(clinic: Clinic, answer: httpx.Response, status: int, *places: str, head: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert set(places) <= set(fields_of(answer.json())), answer.text
    assert all(issue["diagnostics"] for issue in answer.json()["issue"])
    assert CANARY not in answer.text
    assert await clinic.head() == head


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("resourceType", CANARY, "resourceType"),
        ("gender", CANARY, "Patient.gender"),
        ("gender", "banana", "Patient.gender"),
        ("active", CANARY, "Patient.active"),
        ("name", CANARY, "Patient.name"),
        ("name.0.family", 7, "Patient.name[0].family"),
        ("shoeSize", CANARY, "Patient.shoeSize"),
        (f"{CANARY}!", CANARY, "Patient"),
        ("birthDate", "2011-02-30", "Patient.birthDate"),
        ("birthDate", "1974-13", "Patient.birthDate"),
        ("birthDate", CANARY, "Patient.birthDate"),
        ("birthDate", None, "Patient.birthDate"),
        ("multipleBirthInteger", 10**40, "Patient.multipleBirthInteger"),
        ("link", [{"other": {"reference": NOWHERE}, "type": "seealso"}], "Patient.link[0].other.reference"),
        ("managingOrganization", {"reference": NOWHERE}, "Patient.managingOrganization.reference"),
        ("managingOrganization", {"reference": CANARY}, "Patient.managingOrganization.reference"),
        ("text", {"status": "generated", "div": f"<script>{CANARY}</script>"}, "Patient.text.div"),
    ],
)
async def test_a_field_that_is_wrong_is_named(clinic: Clinic, path: str, value: Any, place: str) -> None:
    head = await clinic.head()
    await is_refused(
        clinic, await clinic.ask("POST", "/fhir/Patient", bent(patient(), path, value)), 422, place, head=head
    )


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("status", CANARY, "Observation.status"),
        ("subject", {"reference": NOWHERE}, "Observation.subject.reference"),
        ("subject", {"display": CANARY}, "Observation.subject"),
        ("subject", {"reference": f"https://elsewhere/{CANARY}"}, "Observation.subject"),
        ("subject", {"reference": f"Practitioner/{CANARY}"}, "Observation.subject.reference"),
        ("encounter", {"reference": NOWHERE.replace("Patient", "Encounter")}, "Observation.encounter.reference"),
        ("valueInteger", CANARY, "Observation.valueInteger"),
        ("valueQuantity", {"value": 10**30}, "Observation.valueQuantity.value"),
        ("effectiveDateTime", "2011-05-02T25:00:00Z", "Observation.effectiveDateTime"),
        ("effectiveDateTime", "2011-05-02T10:00:00", "Observation.effectiveDateTime"),
    ],
)
async def test_an_observations_field_that_is_wrong_is_named(clinic: Clinic, path: str, value: Any, place: str) -> None:
    seen = observation(await clinic.registered())
    head = await clinic.head()
    await is_refused(clinic, await clinic.post(bent(seen, path, value)), 422, place, head=head)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"resourceType": "Patient", "gender": Zanzibar4711', 400),
        (b"", 422),
        (b"null", 422),
        (b'"Zanzibar4711"', 422),
        (b'{"resourceType":"Patient","language":"a\\u0000Zanzibar4711"}', 400),
        (b'{"resourceType":"Patient","language":"\\ud800Zanzibar4711"}', 400),
        (b'{"resourceType":"Patient","language":"\xff"}', 400),
        (b'{"resourceType":"Patient","active":true,"active":false}', 400),
        (b'{"resourceType":"Patient","multipleBirthInteger":1e999999}', 400),
        (b'{"resourceType":"Patient","multipleBirthInteger":NaN}', 400),
        (b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5_000 + b"}", 400),
        (b'{"a":' * 90 + b"1" + b"}" * 90, 422),
        (b"[" * 100_000, 400),
    ],
)
async def test_what_is_not_one_resource_in_json_is_refused(clinic: Clinic, content: bytes, status: int) -> None:
    head = await clinic.head()
    await is_refused(clinic, await raw(clinic, content), status, head=head)
    bundle = await raw(clinic, content, path="/fhir")
    await is_refused(clinic, bundle, status, head=head)


async def test_deep_nesting_is_refused_where_it_is_too_deep(clinic: Clinic) -> None:
    deep: dict[str, Any] = {"url": "http://x", "valueString": "x"}
    for _ in range(70):
        deep = {"url": "http://x", "extension": [deep]}
    head = await clinic.head()
    answer = await clinic.ask("POST", "/fhir/Patient", patient() | {"extension": [deep]})
    assert answer.status_code in (400, 422)
    assert await clinic.head() == head


async def test_another_content_type_is_refused(clinic: Clinic) -> None:
    body, head = json.dumps(patient()).encode(), await clinic.head()
    for kind in ("text/plain", "application/fhir+xml", "application/x-www-form-urlencoded", CANARY):
        await is_refused(clinic, await raw(clinic, body, kind=kind), 415, head=head)


async def test_a_body_over_the_limit_is_refused(clinic: Clinic) -> None:
    large, head = json.dumps(patient(language="x" * BODY_LIMIT)).encode(), await clinic.head()
    for path in ("/fhir/Patient", "/fhir"):
        await is_refused(clinic, await raw(clinic, large, path=path), 413, head=head)


async def test_the_id_and_type_of_a_body_are_those_of_its_address(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient("1"))
    bob, head = await clinic.registered("2"), await clinic.head()
    for id in (bob, CANARY, None):
        moved = {name: value for name, value in (ann | {"id": id}).items() if value is not None}
        await is_refused(
            clinic, await clinic.ask("PUT", f"/fhir/Patient/{ann['id']}", moved), 422, "Patient.id", head=head
        )
    other = await clinic.ask("POST", "/fhir/Observation", patient("3"))
    await is_refused(clinic, other, 422, "resourceType", head=head)


@pytest.mark.parametrize("path", [f"/fhir/{CANARY}", f"/fhir/{CANARY}/1", "/fhir/Claim", "/fhir/Claim/1/_history"])
async def test_a_type_that_is_not_held_here_is_not_found(clinic: Clinic, path: str) -> None:
    await is_refused(clinic, await clinic.get(path), 404, head=0)


async def test_an_address_that_cannot_be_one_is_refused(clinic: Clinic) -> None:
    ann = await clinic.registered()
    head = await clinic.head()
    for path, status in (
        (f"/fhir/Patient/{CANARY}", 404),
        ("/fhir/Patient/%00", 400),
        ("/fhir/Patient?name=%00", 400),
        (f"/fhir/Patient/{ann}/_history/{CANARY}", 422),
        (f"/fhir/Patient/{ann}/_history/{10**30}", 404),
        (f"/fhir/Patient/{ann}/_history/0", 404),
    ):
        await is_refused(clinic, await clinic.get(path), status, head=head)


async def test_a_reason_must_be_one(clinic: Clinic) -> None:
    ann = await clinic.registered()
    head = await clinic.head()
    for reason in ("", "   ", "x" * 501):
        answer = await clinic.delete(f"/fhir/Patient/{ann}", headers={"Carelog-Reason": reason})
        await is_refused(clinic, answer, 422, "Carelog-Reason", head=head)


async def test_a_statement_stays_with_its_patient(clinic: Clinic) -> None:
    seen = await clinic.recorded(observation(await clinic.registered("1")))
    bob, head = await clinic.registered("2"), await clinic.head()
    moved = await clinic.put(seen | {"subject": {"reference": f"Patient/{bob}"}})
    await is_refused(clinic, moved, 409, head=head)


async def test_nothing_new_is_said_of_a_retracted_patient_and_what_was_said_can_be_taken_back(clinic: Clinic) -> None:
    ann = await clinic.registered("1")
    seen = await clinic.recorded(observation(ann))
    await clinic.delete(f"/fhir/Patient/{ann}", headers=WHY)
    head = await clinic.head()
    await is_refused(clinic, await clinic.post(observation(ann)), 409, head=head)
    assert (await clinic.get(f"/fhir/Observation/{seen['id']}")).json() == seen
    assert (await clinic.put(seen | {"language": "de"})).status_code == 200
    assert (await clinic.delete(f"/fhir/Observation/{seen['id']}")).status_code == 204
