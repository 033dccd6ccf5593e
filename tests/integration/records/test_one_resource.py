"""One resource over its life: created, read, changed, taken back; its versions, and what a repeat is answered."""

import asyncio

import pytest

from tests.integration.records.clinic import WHY, Clinic
from tests.integration.records.samples import LOINC, MRN, Resource, coded, least, observation, patient, practitioner

OF_EACH_KIND = ("Patient", "Encounter", "Organization", "Observation", "Medication", "Provenance", "Device")
ABSENT = "00000000-0000-7000-8000-00000000dead"


@pytest.mark.parametrize("type", OF_EACH_KIND)
async def test_a_resource_is_created_read_changed_and_taken_back(clinic: Clinic, type: str) -> None:
    ann = await clinic.registered("another")
    created = await clinic.post(least(type, ann))
    made = created.json()
    where = f"/fhir/{type}/{made['id']}"
    assert (created.status_code, created.headers["ETag"]) == (201, 'W/"1"')
    assert created.headers["Location"] == f"http://records{where}/_history/1"
    assert created.headers["Content-Type"] == "application/fhir+json"
    assert made["meta"]["versionId"] == "1"

    read = await clinic.get(where)
    assert (read.content, read.headers["ETag"]) == (created.content, 'W/"1"')

    changed = await clinic.put({**made, "language": "de"}, headers={"If-Match": 'W/"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, 'W/"2"')
    assert (await clinic.get(f"{where}/_history/1")).json() == made
    assert (await clinic.get(f"{where}/_history/2")).json() == changed.json()

    assert (await clinic.ask("DELETE", where)).status_code == 422
    gone = await clinic.delete(where, headers=WHY | {"If-Match": 'W/"2"'})
    assert (gone.status_code, gone.content, gone.headers["ETag"]) == (204, b"", 'W/"3"')
    assert (await clinic.get(where)).status_code == 410
    assert (await clinic.get(f"{where}/_history/3")).status_code == 410
    assert (await clinic.get(f"{where}/_history/2")).json() == changed.json()
    assert (await clinic.get(f"{where}/_history/4")).status_code == 404

    history = (await clinic.get(f"{where}/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "PUT", "POST"]
    assert [entry.get("resource") for entry in history["entry"]] == [None, changed.json(), made]


@pytest.mark.parametrize("type", OF_EACH_KIND)
async def test_what_was_taken_back_is_not_changed_any_more(clinic: Clinic, type: str) -> None:
    made = await clinic.recorded(least(type, await clinic.registered("another")))
    await clinic.delete(f"/fhir/{type}/{made['id']}")
    assert (await clinic.put({**made, "language": "de"})).status_code == 410
    assert (await clinic.delete(f"/fhir/{type}/{made['id']}")).status_code == 410


async def test_a_change_that_expects_another_version_is_refused(clinic: Clinic) -> None:
    ann = (await clinic.recorded(patient())) | {"language": "de"}
    assert (await clinic.put(ann, headers={"If-Match": 'W/"2"'})).status_code == 412
    assert (await clinic.put(ann, headers={"If-Match": 'W/"1"'})).status_code == 200
    stale = await clinic.delete(f"/fhir/Patient/{ann['id']}", headers=WHY | {"If-Match": 'W/"1"'})
    assert (stale.status_code, stale.json()["issue"][0]["code"]) == (412, "conflict")
    assert (await clinic.put(ann, headers={"If-Match": "seven"})).status_code == 400


async def test_a_change_that_changes_nothing_makes_no_version(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient())
    head = await clinic.head()
    same = await clinic.put(ann)
    assert (same.status_code, same.headers["ETag"], same.json()) == (200, 'W/"1"', ann)
    assert await clinic.head() == head


async def test_a_creation_said_again_is_answered_as_the_first_time_whatever_came_of_it(clinic: Clinic) -> None:
    key = {"Idempotency-Key": "register"}
    first = await clinic.post(patient(), headers=key)
    ann: Resource = first.json()
    await clinic.put({**ann, "language": "de"})
    amended = await clinic.post(patient(), headers=key)
    await clinic.delete(f"/fhir/Patient/{ann['id']}")
    retracted = await clinic.post(patient(), headers=key)

    for again in (amended, retracted):
        assert (again.status_code, again.content) == (201, first.content)
        assert [again.headers[name] for name in ("ETag", "Location")] == ['W/"1"', first.headers["Location"]]


async def test_a_change_said_again_is_answered_as_the_first_time_whatever_came_of_it(clinic: Clinic) -> None:
    ann = (await clinic.recorded(patient())) | {"language": "de"}
    key = {"Idempotency-Key": "in-german", "If-Match": 'W/"1"'}
    first = await clinic.put(ann, headers=key)
    await clinic.put({**ann, "language": "fr"})
    amended = await clinic.put(ann, headers=key)
    gone = {"Idempotency-Key": "a-mistake", **WHY}
    deleted = await clinic.delete(f"/fhir/Patient/{ann['id']}", headers=gone)
    retracted = await clinic.put(ann, headers=key)

    for again in (amended, retracted):
        assert (again.status_code, again.headers["ETag"], again.content) == (200, 'W/"2"', first.content)
    again = await clinic.delete(f"/fhir/Patient/{ann['id']}", headers=gone)
    assert (again.status_code, again.headers["ETag"]) == (204, deleted.headers["ETag"])


async def test_a_key_means_one_request(clinic: Clinic) -> None:
    key = {"Idempotency-Key": "the-one"}
    ann = await clinic.registered("another")
    answers = await asyncio.gather(*(clinic.post(observation(ann), headers=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await clinic.post(observation(ann, language="de"), headers=key)).status_code == 422


async def test_a_refusal_said_again_is_the_same_refusal(clinic: Clinic) -> None:
    await clinic.registered("1")
    key = {"Idempotency-Key": "twice"}
    first, again = [await clinic.post(patient("1"), headers=key) for _ in range(2)]
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.status_code == 409


async def test_a_conditional_creation_finds_who_is_there(clinic: Clinic) -> None:
    there = await clinic.registered("1")
    headers = {"If-None-Exist": f"identifier={MRN}|1", "Idempotency-Key": "if-none"}
    found = await clinic.post(patient("1"), headers=headers)
    assert (found.status_code, found.json()["id"], found.headers["ETag"]) == (200, there, 'W/"1"')
    await clinic.put(found.json() | {"language": "de"})
    again = await clinic.post(patient("1"), headers=headers)
    assert (again.content, again.headers["ETag"]) == (found.content, 'W/"1"')

    new = await clinic.post(patient("2"), headers={"If-None-Exist": f"identifier={MRN}|2"})
    assert new.status_code == 201


async def test_the_same_condition_twenty_times_at_once_creates_one(clinic: Clinic) -> None:
    condition = {"If-None-Exist": "identifier=http://hl7.org/fhir/sid/us-npi|9"}
    answers = await asyncio.gather(*(clinic.post(practitioner("9"), headers=condition) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize("condition", ["name=Peter", f"identifier={MRN}", "identifier=|1", "identifier=a|1&name=b"])
async def test_a_condition_that_cannot_be_kept_is_refused(clinic: Clinic, condition: str) -> None:
    head = await clinic.head()
    refused = await clinic.post(patient("1"), headers={"If-None-Exist": condition})
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["If-None-Exist"]
    assert await clinic.head() == head


async def test_a_condition_on_what_has_no_unique_identifiers_is_refused(clinic: Clinic) -> None:
    seen = observation(await clinic.registered(), identifier=[{"system": MRN, "value": "o"}])
    assert (await clinic.post(seen, headers={"If-None-Exist": f"identifier={MRN}|o"})).status_code == 422


async def test_the_same_new_patient_twenty_times_at_once_is_one(clinic: Clinic) -> None:
    answers = await asyncio.gather(*(clinic.post(patient("1")) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    await clinic.heard()
    assert len(await clinic.found("Patient", f"identifier={MRN}|1")) == 1


async def test_an_identifier_is_free_again_when_its_bearer_has_it_no_longer(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient("1"))
    assert (await clinic.put(ann | {"identifier": [{"system": MRN, "value": "2"}]})).status_code == 200
    bob = await clinic.registered("1")
    assert (await clinic.post(patient("2"))).status_code == 409
    await clinic.delete(f"/fhir/Patient/{bob}")
    assert (await clinic.post(patient("1"))).status_code == 201


async def test_an_identifier_is_unique_within_an_organisation_and_a_practitioners_for_all(clinic: Clinic) -> None:
    await clinic.registered("1")
    assert (await clinic.post(patient("1"), by="heart-centre")).status_code == 201
    await clinic.recorded(practitioner("9"))
    assert (await clinic.post(practitioner("9"), by="heart-centre")).status_code == 409


async def test_nothing_is_created_by_an_update(clinic: Clinic) -> None:
    head = await clinic.head()
    assert (await clinic.put(patient("1") | {"id": ABSENT})).status_code == 404
    assert (await clinic.put(patient("1") | {"id": "p-1"})).status_code == 404
    assert await clinic.head() == head


async def test_a_decimal_keeps_its_digits(clinic: Clinic) -> None:
    ann = await clinic.registered()
    client = await clinic.running.at("north-clinic", role="clinician")
    said = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":51.300},'
    body = said + f'"subject":{{"reference":"Patient/{ann}"}}}}'
    made = await client.post("/fhir/Observation", content=body, headers={"Content-Type": "application/fhir+json"})
    assert (made.status_code, b'"value":51.300' in made.content) == (201, True)


async def test_an_id_is_found_as_it_is_written_only(clinic: Clinic) -> None:
    ann = await clinic.registered()
    for odd in (ann.upper(), ann.replace("-", ""), f"urn:uuid:{ann}", f"{{{ann}}}"):
        if odd != ann:
            assert (await clinic.get(f"/fhir/Patient/{odd}")).status_code == 404
            assert (await clinic.post(observation(odd))).status_code == 422


async def test_a_resource_is_not_found_under_another_type(clinic: Clinic) -> None:
    ann = await clinic.registered()
    assert (await clinic.get(f"/fhir/Encounter/{ann}")).status_code == 404
    assert (await clinic.delete(f"/fhir/Encounter/{ann}")).status_code == 404


async def test_statuses_and_codes_are_shown_as_they_were_said(clinic: Clinic) -> None:
    said = observation(await clinic.registered(), code=coded(LOINC, "8480-6"), language="de")
    shown = await clinic.recorded(said)
    assert {name: shown[name] for name in said} == said
