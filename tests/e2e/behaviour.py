"""What a whole Carelog does, whatever it runs on; each set-up says it of itself."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from deploy.story.cast import HEART, HEART_DESK, NORTH_DESK, Caller
from deploy.story.notebook import Notebook
from deploy.story.player import play
from deploy.story.plot import STORY
from deploy.story.scene import Scene
from shared.contracts.catalogue import SERVICES
from tests.e2e.logs import holes, topic, whole_log
from tests.e2e.mailbox import Mailbox
from tests.e2e.spans import Collector
from tests.support.system import System, until

HEART_REGISTRAR = Caller(subject="d-ruiz", role="registrar", organization=HEART, purpose="PATADMIN")
PATIENCE = 120.0


class SystemBehaviour:
    """Siblings give `system` and `mailbox`, once for all tests of theirs; the first test is the story itself."""

    CUT_OFF_AFTER: ClassVar[str]
    """the step of the story after which everything is killed"""

    async def test_the_story_is_told_to_its_end(self, system: System, mailbox: Mailbox, tmp_path: Path) -> None:
        notebook = Notebook.begin(folder=tmp_path)
        await tell(system, notebook)
        assert list(notebook.done) == [step.name for step in STORY]
        assert_the_patient_was_told(mailbox, notebook)

    async def test_of_200_bookings_of_one_slot_at_once_exactly_one_wins(self, system: System) -> None:
        booking = await a_possible_booking(system)
        async with system.client(HEART_DESK, "scheduling", connections=200) as client:
            answers = await asyncio.gather(*(client.post("/appointments", json=booking) for _ in range(200)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}

    async def test_one_key_fifty_times_at_once_has_one_effect_and_fifty_equal_answers(self, system: System) -> None:
        booking = await a_possible_booking(system)
        key = {"Idempotency-Key": str(uuid4())}
        async with system.client(HEART_DESK, "scheduling") as client:
            said = [client.post("/appointments", json=booking, headers=key) for _ in range(50)]
            answers = await asyncio.gather(*said)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await bookings_of(system, booking["patient"]) == 1

    async def test_a_new_identifier_registered_twenty_times_at_once_makes_one_patient(self, system: System) -> None:
        resource = a_person()
        async with system.client(NORTH_DESK, "records") as client:
            answers = await asyncio.gather(*(client.post("/fhir/Patient", json=resource) for _ in range(20)))
            assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
            made = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
            assert await patients_with(client, resource) == {made}

    async def test_created_where_there_is_none_twenty_times_at_once_it_is_one_patient(self, system: System) -> None:
        resource = a_person()
        unless = {"If-None-Exist": f"identifier={_identifier(resource)}"}
        async with system.client(NORTH_DESK, "records") as client:
            said = [client.post("/fhir/Patient", json=resource, headers=unless) for _ in range(20)]
            answers = await asyncio.gather(*said)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
        assert len({answer.json()["id"] for answer in answers}) == 1

    async def test_one_trace_leads_from_the_request_to_the_projected_document(
        self, system: System, collector: Collector
    ) -> None:
        trace = uuid4().hex
        async with system.client(NORTH_DESK, "records") as client:
            parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
            assert (await client.post("/fhir/Patient", json=a_person(), headers=parent)).status_code == 201
        wanted = {("carelog-records", "publish"), ("carelog-records", "project"), ("carelog-billing", "project")}

        def there() -> bool:
            return wanted <= {(span.service, span.name) for span in collector.of(trace)}

        assert await asyncio.to_thread(until, there), collector.of(trace)

    @pytest.mark.faults
    async def test_killed_in_its_middle_the_story_goes_on_to_its_end(
        self, system: System, mailbox: Mailbox, tmp_path: Path
    ) -> None:
        notebook = Notebook.begin(folder=tmp_path)
        await tell(system, notebook, until=self.CUT_OFF_AFTER)
        await asyncio.to_thread(system.kill_everything)
        await asyncio.to_thread(system.start)
        await tell(system, Notebook.open(path=notebook.path))
        assert_the_patient_was_told(mailbox, Notebook.open(path=notebook.path))

    async def test_afterwards_no_log_has_a_hole_and_each_topic_is_its_log(self, system: System) -> None:
        for service in SERVICES:
            log = await whole_log(system, service)
            assert holes(log) == []
            assert set(await topic(system, service)) == {event["id"] for event in log}


async def tell(system: System, notebook: Notebook, *, until: str | None = None) -> None:
    """The story, from where it is, to its end or up to a step."""
    async with system.doors() as doors:
        await play(Scene(doors=doors, notebook=notebook, patience=PATIENCE), tell=lambda played: None, until=until)


def assert_the_patient_was_told(mailbox: Mailbox, notebook: Notebook) -> None:
    """Three messages: accepted, booked, an outcome. A repeat is known by its Message-ID, and says the same."""
    address = f"ilse.berger.{notebook.id[:8]}@example.org"
    theirs = [letter for letter in mailbox.letters() if letter["To"] == address]
    told = {letter["Message-ID"]: letter.get_payload() for letter in theirs}
    assert len(told) == 3
    assert all(letter.get_payload() == told[letter["Message-ID"]] for letter in theirs)


def a_person() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:carelog:test", "value": str(uuid4())}],
        "name": [{"family": "Okafor", "given": ["Ada"]}],
        "gender": "female",
    }


async def a_possible_booking(system: System) -> dict[str, Any]:
    """A patient that scheduling has heard of, and a slot that is free."""
    resource = f"dr-{uuid4().hex[:12]}"
    hours = [
        {"day": day, "opens": "08:00", "closes": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    ]
    schedule = {"hours": hours, "slot_minutes": 30, "time_zone": "Europe/Berlin"}
    async with system.client(HEART_REGISTRAR, "records") as records:
        patient = (await records.post("/fhir/Patient", json=a_person())).json()["id"]
    async with system.client(HEART_DESK, "scheduling") as scheduling:
        assert (await scheduling.put(f"/schedules/{resource}", json=schedule)).status_code == 201
        first, second = await _free_slots(scheduling, resource)
        await _can_be_booked(scheduling, {"patient": patient, "schedules": [resource], "start": first})
    return {"patient": patient, "schedules": [resource], "start": second}


async def _free_slots(client: httpx.AsyncClient, resource: str) -> tuple[str, str]:
    since = datetime.now(UTC) + timedelta(days=2)
    asked = {
        "schedule": resource,
        "from": since.date().isoformat(),
        "to": (since + timedelta(days=2)).date().isoformat(),
    }
    slots = (await client.get("/slots", params=asked)).json()["slots"]
    return slots[0]["start"], slots[1]["start"]


async def _can_be_booked(client: httpx.AsyncClient, booking: dict[str, Any]) -> None:
    """Once another booking of theirs was taken, scheduling has heard of the patient."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.post("/appointments", json=booking)
            if answer.status_code != 404:
                break
            await asyncio.sleep(0.05)
    assert answer.status_code == 201


async def bookings_of(system: System, patient: str) -> int:
    """How many of a patient's appointments were booked, beside the first that showed that it can be."""
    log = await whole_log(system, "scheduling")
    booked = [event for event in log if event["type"] == "scheduling.appointment.booked.v1"]
    return len([event for event in booked if event.get("patient") == patient]) - 1


async def patients_with(client: httpx.AsyncClient, resource: dict[str, Any]) -> set[str]:
    """Found by the identifier, once it can be found at all."""
    async with asyncio.timeout(PATIENCE):
        while True:
            bundle = (await client.get("/fhir/Patient", params={"identifier": _identifier(resource)})).json()
            if entries := bundle.get("entry"):
                return {entry["resource"]["id"] for entry in entries}
            await asyncio.sleep(0.05)


def _identifier(resource: dict[str, Any]) -> str:
    identifier = resource["identifier"][0]
    return f"{identifier['system']}|{identifier['value']}"
