"""Other organisations and other roles: what is foreign answers as what is not there."""

import pytest

from shared.kernel import Role
from tests.integration.records.clinic import HEART, STRANGER, WHY, Clinic
from tests.integration.records.samples import least, observation, patient, practitioner, visit

NOTHING = "11111111-1111-7111-8111-111111111111"


@pytest.mark.parametrize("type", ["Patient", "Encounter", "Observation", "Provenance", "Device"])
async def test_what_is_foreign_answers_as_what_is_not_there(clinic: Clinic, type: str) -> None:
    made = await clinic.recorded(least(type, await clinic.registered("another")))
    head = await clinic.head()
    for method, more in (("GET", ""), ("GET", "/_history"), ("GET", "/_history/1"), ("DELETE", "")):
        foreign, missing = [
            await clinic.ask(method, f"/fhir/{type}/{id}{more}", by=STRANGER, headers=WHY)
            for id in (made["id"], NOTHING)
        ]
        assert (
            (foreign.status_code, foreign.content) == (missing.status_code, missing.content) == (404, missing.content)
        )
    theirs = await clinic.recorded(least(type, await clinic.registered("theirs", by=STRANGER)), by=STRANGER)
    head = await clinic.head()
    answers = [await clinic.put(theirs | {"id": id}, by=STRANGER) for id in (made["id"], NOTHING)]
    assert [(one.status_code, one.content) for one in answers] == [(404, answers[1].content)] * 2
    assert await clinic.head() == head


async def test_what_is_foreign_cannot_be_pointed_at(clinic: Clinic) -> None:
    ann = await clinic.registered("1")
    came, seen = await clinic.recorded(visit(ann)), await clinic.recorded(observation(ann))
    theirs = observation((await clinic.recorded(patient("1"), by=STRANGER))["id"])
    head = await clinic.head()
    for element, type, id in (("subject", "Patient", ann), ("encounter", "Encounter", came["id"]),
                              ("focus", "Observation", seen["id"])):  # fmt: skip
        answers = []
        for target in (id, NOTHING):
            pointing = {"reference": f"{type}/{target}"}
            said = theirs | {element: [pointing] if element == "focus" else pointing}
            answers.append(await clinic.post(said, by=STRANGER))
        assert answers[0].status_code == 422
        assert answers[0].content == answers[1].content
    assert await clinic.head() == head


async def test_who_is_near_records_and_reads_and_changes_only_its_own(clinic: Clinic) -> None:
    ann = await clinic.registered()
    seen = await clinic.recorded(observation(ann))
    await clinic.heard()
    await clinic.refers(ann)
    own = await clinic.recorded(observation(ann), by=HEART)
    assert (await clinic.get(f"/fhir/Observation/{seen['id']}", by=HEART)).status_code == 200
    assert (await clinic.put(seen | {"language": "de"}, by=HEART)).status_code == 403
    assert (await clinic.delete(f"/fhir/Observation/{seen['id']}", by=HEART)).status_code == 403
    assert (await clinic.delete(f"/fhir/Patient/{ann}", by=HEART)).status_code == 403

    await clinic.is_declined(ann)
    assert (await clinic.get(f"/fhir/Observation/{seen['id']}", by=HEART)).status_code == 404
    assert (await clinic.get(f"/fhir/Observation/{own['id']}", by=HEART)).status_code == 200
    assert (await clinic.post(observation(ann), by=HEART)).status_code == 422


READS: dict[Role, set[str]] = {
    "biller": {"Patient", "Encounter", "Observation", "Practitioner"},
    "auditor": {"Patient", "Encounter", "Observation", "Practitioner"},
    "scheduler": {"Patient", "Encounter", "Practitioner"},
    "registrar": {"Patient", "Encounter", "Practitioner"},
    "administrator": {"Practitioner"},
}
WRITES: dict[Role, set[str]] = {
    "biller": set(), "auditor": set(), "scheduler": set(),
    "registrar": {"Patient", "Encounter", "Practitioner"}, "administrator": {"Practitioner"},
}  # fmt: skip


@pytest.mark.parametrize("role", READS)
async def test_a_role_reads_and_writes_what_the_policy_says(clinic: Clinic, role: Role) -> None:
    ann = await clinic.recorded(patient("1"))
    made = [ann, *[await clinic.recorded(one) for one in (visit(ann["id"]), observation(ann["id"]), practitioner())]]
    for one in made:
        type = one["resourceType"]
        allowed = 200 if type in READS[role] else 403
        for path in (f"/fhir/{type}/{one['id']}", f"/fhir/{type}/{one['id']}/_history", f"/fhir/{type}"):
            assert (await clinic.get(path, role=role)).status_code == allowed, (type, path)
        may = type in WRITES[role]
        assert (await clinic.put(one | {"language": "de"}, role=role)).status_code == (200 if may else 403), type
        assert (await clinic.delete(f"/fhir/{type}/{one['id']}", role=role)).status_code == (204 if may else 403), type
