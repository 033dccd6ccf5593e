"""The life cycle of a visit, as the door answers it."""

import pytest

from tests.integration.records.clinic import Clinic
from tests.integration.records.samples import fields_of, observation, visit


async def test_a_visit_goes_its_way(clinic: Clinic) -> None:
    came = await clinic.recorded(visit(await clinic.registered()))
    for version, status in enumerate(("arrived", "triaged", "in-progress", "onleave", "in-progress", "finished"), 2):
        moved = await clinic.put(came | {"status": status})
        assert (moved.status_code, moved.headers["ETag"]) == (200, f'W/"{version}"')


@pytest.mark.parametrize(
    ("now", "then"), [("planned", "finished"), ("in-progress", "planned"), ("finished", "in-progress"),
                      ("planned", "onleave"), ("in-progress", "cancelled")],
)  # fmt: skip
async def test_a_visit_does_not_jump(clinic: Clinic, now: str, then: str) -> None:
    came = await clinic.recorded(visit(await clinic.registered(), now))
    head = await clinic.head()
    refused = await clinic.put(came | {"status": then})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (409, "conflict")
    assert await clinic.head() == head


@pytest.mark.parametrize("status", ["onleave", "cancelled", "entered-in-error", "unknown"])
async def test_a_visit_does_not_begin_so(clinic: Clinic, status: str) -> None:
    ann = await clinic.registered()
    assert (await clinic.post(visit(ann, status))).status_code == 409
    taken_over = await clinic.post(visit(ann, status), role="system", headers={"Carelog-Origin": "history"})
    assert taken_over.status_code == 201


async def test_a_visit_told_when_it_is_finished_shows_the_version_that_can_be_built_on(clinic: Clinic) -> None:
    told = await clinic.post(visit(await clinic.registered(), "finished"), headers={"Idempotency-Key": "over"})
    assert (told.status_code, told.headers["ETag"]) == (201, 'W/"2"')
    changed = await clinic.put(told.json() | {"language": "de"}, headers={"If-Match": told.headers["ETag"]})
    assert changed.status_code == 200


async def test_what_is_said_in_a_visit_is_about_the_patient_whose_visit_it_was(clinic: Clinic) -> None:
    ann, bob = await clinic.registered("1"), await clinic.registered("2")
    came = await clinic.recorded(visit(ann, "in-progress"))
    within = {"encounter": {"reference": f"Encounter/{came['id']}"}}
    head = await clinic.head()

    refused = await clinic.post(observation(bob, **within))
    assert (refused.status_code, list(fields_of(refused.json()))) == (422, ["Observation.encounter.reference"])
    assert await clinic.head() == head

    said = await clinic.recorded(observation(ann, **within))
    assert (await clinic.put(said | {"status": "amended"})).status_code == 200
