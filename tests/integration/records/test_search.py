"""Searches: what they find, page by page, and of whom."""

import pytest

from tests.integration.records.clinic import HEART, STRANGER, Clinic
from tests.integration.records.samples import LOINC, MRN, coded, least, observation, patient, practitioner


async def test_pages_lead_to_the_end_and_miss_nothing(clinic: Clinic) -> None:
    ann = await clinic.registered()
    made = {(await clinic.recorded(observation(ann)))["id"] for _ in range(7)}
    await clinic.heard()
    page = (await clinic.get(f"/fhir/Observation?patient={ann}&_count=3")).json()
    assert [link["relation"] for link in page["link"]] == ["self", "next"]
    assert len(page["entry"]) == 3
    found = await clinic.found("Observation", f"patient={ann}&_count=3")
    assert (len(found), set(found)) == (7, made)
    assert len(await clinic.found("Observation", "_count=7")) == 7


async def test_all_parameters_hold_and_several_values_are_alternatives(clinic: Clinic) -> None:
    ann, bob = await clinic.registered("1"), await clinic.registered("2")
    first = await clinic.recorded(observation(ann, effectiveDateTime="2011-05-02"))
    second = await clinic.recorded(observation(ann, code=coded(LOINC, "8480-6"), effectiveDateTime="2012"))
    await clinic.recorded(observation(bob))
    await clinic.heard()
    assert await clinic.found("Observation", f"patient={ann}&code={LOINC}|4548-4") == [first["id"]]
    assert await clinic.found("Observation", f"patient={ann}&code=4548-4,8480-6") == [first["id"], second["id"]]
    assert await clinic.found("Observation", f"patient={ann}&date=ge2012") == [second["id"]]
    assert await clinic.found("Observation", f"patient={ann}&date=ge2011&date=lt2012") == [first["id"]]
    assert await clinic.found("Observation", f"patient={ann}&status=preliminary") == []


async def test_a_patient_is_found_by_identifier_name_and_birth(clinic: Clinic) -> None:
    ann = await clinic.registered("1", name=[{"family": "Müller", "given": ["Zoë Ann"]}])
    await clinic.registered("2", birthDate="1980")
    await clinic.heard()
    for query in (f"identifier={MRN}|1", "identifier=1", "name=mull", "name=ZOE", "name=ann", "birthdate=1974"):
        assert await clinic.found("Patient", query) == [ann], query
    assert len(await clinic.found("Patient", "_lastUpdated=ge2020")) == 2


async def test_a_search_shows_the_newest_version(clinic: Clinic) -> None:
    ann = await clinic.recorded(patient())
    changed = await clinic.put(ann | {"language": "de"})
    await clinic.heard()
    page = (await clinic.get("/fhir/Patient")).json()
    assert [entry["resource"] for entry in page["entry"]] == [changed.json()]


async def test_a_search_spans_what_one_holds_and_the_patients_one_is_near_to(clinic: Clinic) -> None:
    ann, bob = await clinic.registered("1"), await clinic.registered("2")
    of_ann, of_bob = await clinic.recorded(observation(ann)), await clinic.recorded(observation(bob))
    doctor = await clinic.recorded(practitioner())
    await clinic.heard()
    await clinic.refers(ann)
    assert await clinic.found("Observation", by=HEART) == [of_ann["id"]]
    assert await clinic.found("Observation", f"patient={bob}", by=HEART) == []
    assert await clinic.found("Patient", f"_id={bob}", by=HEART) == []
    assert await clinic.found("Patient", by=HEART) == [ann]
    assert await clinic.found("Observation") == [of_ann["id"], of_bob["id"]]
    for type in ("Patient", "Observation"):
        assert await clinic.found(type, by=STRANGER) == []
    assert await clinic.found("Practitioner", by=STRANGER) == [doctor["id"]]

    await clinic.is_declined(ann)
    assert await clinic.found("Observation", by=HEART) == []


async def test_a_device_that_names_nobody_is_its_custodians_and_a_medication_everybodys(clinic: Clinic) -> None:
    stocked = {"resourceType": "Device", "identifier": [{"system": MRN, "value": "pump-7"}]}
    device = await clinic.recorded(stocked)
    medication = await clinic.recorded(least("Medication", ""))
    await clinic.heard()
    assert (await clinic.get(f"/fhir/Device/{device['id']}")).status_code == 200
    assert (await clinic.get(f"/fhir/Device/{device['id']}", by=STRANGER)).status_code == 404
    assert await clinic.found("Device", by=STRANGER) == []
    assert (await clinic.get(f"/fhir/Medication/{medication['id']}", by=STRANGER)).status_code == 200
    assert await clinic.found("Medication", by=STRANGER) == [medication["id"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("_count=abc", "_count"), ("_count=0", "_count"), ("_count=-1", "_count"), ("_sort=date", "_sort"),
        ("date=Zanzibar4711", "date"), ("date=2011-02-30", "date"), ("date=ne2011", "date"), ("code=", "code"),
        ("patient=a/b/c", "patient"), ("_format=xml", "_format"), ("Zanzibar4711=1", "query"),
        ("code:text=Zanzibar4711", "code"), ("_cursor=Zanzibar4711", "cursor"), ("_lastUpdated=now", "_lastUpdated"),
    ],
)  # fmt: skip
async def test_a_search_that_cannot_be_done_is_refused_by_name(clinic: Clinic, query: str, field: str) -> None:
    refused = await clinic.get(f"/fhir/Observation?{query}")
    assert refused.status_code in (400, 422), refused.text
    assert [field] in [issue["expression"] for issue in refused.json()["issue"]]
    assert "Zanzibar4711" not in refused.text
