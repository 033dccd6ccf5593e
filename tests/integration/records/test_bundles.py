"""Bundles: a transaction stands or falls as one, in a batch each entry is for itself."""

import asyncio
from typing import Any

from tests.integration.records.clinic import HEART, WHY, Clinic
from tests.integration.records.samples import CANARY, MRN, NOWHERE, Resource, observation, patient, practitioner, visit

ANN, SEEN = "urn:uuid:00000000-0000-4000-8000-00000000000a", "urn:uuid:00000000-0000-4000-8000-00000000000b"


def created(resource: Resource, url: str | None = None, **request: Any) -> dict[str, Any]:
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"], **request}}
    return entry | ({"fullUrl": url} if url else {})


def changed(resource: Resource, **request: Any) -> dict[str, Any]:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, **request}}


def asked(method: str, url: str, **request: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **request}}


def statuses(answer: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer.json()["entry"]]


def id_of(answer: Any, index: int) -> str:
    return str(answer.json()["entry"][index]["response"]["location"].split("/")[1])


async def test_the_entries_of_a_transaction_name_each_other(clinic: Clinic) -> None:
    seen = observation("") | {"subject": {"reference": ANN}, "hasMember": [{"reference": SEEN}]}
    other = observation("") | {"subject": {"reference": ANN}}
    answer = await clinic.send(created(seen), created(patient(), ANN), created(other, SEEN))
    assert (answer.status_code, statuses(answer)) == (200, ["201"] * 3), answer.text
    shown = (await clinic.get(f"/fhir/Observation/{id_of(answer, 0)}")).json()
    assert shown["subject"]["reference"] == f"Patient/{id_of(answer, 1)}"
    assert shown["hasMember"][0]["reference"] == f"Observation/{id_of(answer, 2)}"


async def test_one_bad_entry_and_nothing_of_a_transaction_is_stored(clinic: Clinic) -> None:
    await clinic.registered("taken")
    ann = await clinic.recorded(visit(await clinic.registered("2")))
    head = await clinic.head()
    for bad, status, place in (
        (created(patient("3") | {"gender": CANARY}), 422, "Bundle.entry[1].resource.gender"),
        (created(observation("") | {"subject": {"reference": NOWHERE}}), 422,
         "Bundle.entry[1].resource.subject.reference"),
        (created(observation("") | {"subject": {"reference": f"Patient?identifier={MRN}|{CANARY}"}}), 422,
         "Bundle.entry[1].resource.subject.reference"),
        (created(patient("taken")), 409, None),
        (changed(ann | {"status": "finished"}), 409, None),
        (changed(ann | {"language": "de"}, ifMatch='W/"7"'), 412, None),
        (asked("DELETE", f"Encounter/{ann['id']}"), 422, "Carelog-Reason"),
        (asked("PATCH", f"Encounter/{ann['id']}"), 422, "Bundle.entry[1].request.method"),
        (asked("GET", "Banana/1"), 422, "Bundle.entry[1].request.url"),
    ):  # fmt: skip
        refused = await clinic.send(created(patient("first"), ANN), bad)
        assert refused.status_code == status, refused.text
        assert place is None or place in str(refused.json()["issue"][0]["expression"])
        assert CANARY not in refused.text
    assert await clinic.head() == head


async def test_a_transaction_creates_changes_and_takes_back_at_once(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient("1"))
    bob = await clinic.registered("2")
    answer = await clinic.send(
        asked("GET", f"Patient/{ann['id']}"),
        changed(ann | {"language": "de"}, ifMatch='W/"1"'),
        created(patient("2")),
        asked("DELETE", f"Patient/{bob}"),
        headers=WHY,
    )
    assert statuses(answer) == ["200", "200", "201", "204"], answer.text
    [read, *_] = answer.json()["entry"]
    assert (read["resource"]["language"], read["response"]["etag"]) == ("de", 'W/"2"')
    assert (await clinic.get(f"/fhir/Patient/{bob}")).status_code == 410


async def test_a_read_that_finds_nothing_does_not_hide_what_the_transaction_stored(clinic: Clinic) -> None:
    answer = await clinic.send(created(patient("1")), asked("GET", NOWHERE))
    assert (answer.status_code, statuses(answer)) == (200, ["201", "404"])
    assert (await clinic.get(f"/fhir/Patient/{id_of(answer, 0)}")).status_code == 200


async def test_conditions_find_what_is_there_already(clinic: Clinic) -> None:
    doctor = (await clinic.recorded(practitioner("9")))["id"]
    there = await clinic.registered("1")
    one = "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi%7C9"
    seen = observation("") | {"subject": {"reference": ANN}, "performer": [{"reference": one}]}
    answer = await clinic.send(created(patient("1"), ANN, ifNoneExist=f"identifier={MRN}|1"), created(seen))
    assert (statuses(answer), id_of(answer, 0)) == (["200", "201"], there)
    shown = (await clinic.get(f"/fhir/Observation/{id_of(answer, 1)}")).json()
    assert shown["subject"]["reference"] == f"Patient/{there}"
    assert shown["performer"][0]["reference"] == f"Practitioner/{doctor}"


async def test_the_same_transaction_with_a_condition_at_once_creates_one(clinic: Clinic) -> None:
    entry = created(patient("1"), ANN, ifNoneExist=f"identifier={MRN}|1")
    answers = await asyncio.gather(*(clinic.send(entry) for _ in range(8)))
    assert sorted(statuses(answer)[0] for answer in answers) == ["200"] * 7 + ["201"]
    assert len({id_of(answer, 0) for answer in answers}) == 1


async def test_a_bundle_said_again_changes_nothing_and_is_answered_the_same(clinic: Clinic) -> None:
    for type in ("transaction", "batch"):
        key = {"Idempotency-Key": type}
        entries = created(patient(type), ifNoneExist=f"identifier={MRN}|{type}"), created(practitioner(type))
        first = await clinic.send(*entries, type=type, headers=key)
        made = (await clinic.get(f"/fhir/Patient/{id_of(first, 0)}")).json()
        await clinic.put(made | {"language": "de"})
        head = await clinic.head()
        again = await clinic.send(*entries, type=type, headers=key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert await clinic.head() == head


async def test_in_a_batch_each_entry_is_for_itself(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient("1"))
    answer = await clinic.send(
        created(patient("1")),
        created(patient("2") | {"gender": CANARY}),
        created(patient("3"), ANN),
        created(observation("") | {"subject": {"reference": ANN}}),
        changed(ann | {"language": "de"}),
        asked("GET", f"Patient/{ann['id']}"),
        asked("GET", NOWHERE),
        asked("GET", "Patient?_count=abc"),
        asked("DELETE", "Patient/not-one-of-ours"),
        type="batch",
        headers=WHY,
    )
    assert statuses(answer) == ["409", "422", "201", "422", "200", "200", "404", "400", "404"], answer.text
    places = answer.json()["entry"][1]["response"]["outcome"]["issue"][0]["expression"]
    assert places == ["Bundle.entry[1].resource.gender"]
    assert CANARY not in answer.text


async def test_a_bundle_is_judged_entry_by_entry(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient("1"))
    await clinic.refers(ann["id"])
    seen = await clinic.send(created(observation(ann["id"])), by=HEART)
    assert statuses(seen) == ["201"]
    refused = await clinic.send(created(observation(ann["id"])), changed(ann | {"language": "de"}), by=HEART)
    assert refused.status_code == 403
    as_registrar = await clinic.send(created(observation(ann["id"])), role="registrar")
    assert as_registrar.status_code == 403
    assert (await clinic.send(asked("GET", "Observation"), role="scheduler")).status_code == 403


async def test_an_identifier_moves_within_a_transaction(clinic: Clinic) -> None:
    ann, bob = await clinic.recorded(patient("1")), await clinic.recorded(patient("2"))
    swapped = changed(ann | {"identifier": bob["identifier"]}), changed(bob | {"identifier": ann["identifier"]})
    answer = await clinic.send(*swapped)
    assert answer.status_code == 200, answer.text


async def test_what_is_no_bundle_to_carry_out_is_refused(clinic: Clinic) -> None:
    head = await clinic.head()
    for bundle, place in (
        ({"resourceType": "Bundle", "type": "collection"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": CANARY}, "Bundle.type"),
        ({"resourceType": "Bundle"}, "Bundle.type"),
        ({"resourceType": CANARY}, "resourceType"),
        ({"resourceType": "Bundle", "type": "batch", "entry": CANARY}, "Bundle.entry"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [CANARY]}, "Bundle.entry[0]"),
        ([CANARY], "resourceType"),
    ):
        refused = await clinic.ask("POST", "/fhir", bundle)
        assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (422, [place]), refused.text
        assert CANARY not in refused.text
    assert await clinic.head() == head


async def test_an_empty_transaction_is_answered_with_an_empty_one(clinic: Clinic) -> None:
    answer = await clinic.ask("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction"})
    assert (answer.status_code, answer.json()) == (200, {"resourceType": "Bundle", "type": "transaction-response"})
