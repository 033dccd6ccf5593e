"""Scheduling through its doors: what is booked once, who sees what, and what a caller is told."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from shared.kernel import Role
from tests.integration.scheduling.world import DAY, OFFICE, World, a_world, at, finished
from tests.unit.scheduling.known import ANN, BOB, HEART, NORTH

WHY = {"reason": "The machine is broken."}


async def test_an_appointment_from_its_booking_to_its_end(world: World) -> None:
    booked = await world.book(at("09:00"), "dr-heart", "room-2", reason="Chest pain")
    told = booked.json()

    assert booked.status_code == 201
    assert booked.headers["Location"] == f"/appointments/{told['id']}"
    assert (told["status"], told["version"], told["resources"]) == ("booked", 1, ["dr-heart", "room-2"])
    for version, (step, body, status) in enumerate(
        [
            ("no-show", {}, "noshow"),
            ("reinstate", WHY, "booked"),
            ("reschedule", {"start": at("10:00")}, "booked"),
            ("arrive", {}, "arrived"),
            ("check-in", {}, "checked-in"),
            ("fulfil", {}, "fulfilled"),
        ],
        start=2,
    ):
        answer = await world.say(told["id"], step, **body)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["status"], answer.headers["ETag"]) == (status, f'W/"{version}"')

    shows = await (await world.heart()).get(f"/appointments/{told['id']}")
    assert shows.headers["ETag"] == 'W/"7"'
    assert shows.json()["start"] == at("10:00")
    assert (await world.say(told["id"], "cancel", **WHY)).json()["code"] == "Over"


async def test_two_hundred_who_book_the_same_slot_at_once_get_one_appointment(world: World) -> None:
    answers = await asyncio.gather(*(world.book(at("09:00"), "dr-heart", "room-2") for _ in range(200)))
    statuses = [answer.status_code for answer in answers]

    assert (statuses.count(201), statuses.count(409)) == (1, 199)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"SlotTaken"}
    assert at("09:00") not in await world.free("room-2")


async def test_two_processes_give_a_slot_away_once(world: World, database: str, tmp_path: Path) -> None:
    async with a_world(database=database, home=tmp_path / "other") as other:
        answers = await asyncio.gather(
            *(one.book(at(hour), "dr-heart") for hour in ("09:00", "09:30", "10:00") for one in (world, other) * 10)
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 57


async def test_the_same_key_fifty_times_at_once_books_once_and_says_the_same(world: World) -> None:
    key = {"Idempotency-Key": "the-one"}
    answers = await asyncio.gather(*(world.book(at("09:00"), headers=key) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await world.free("dr-heart")) == 19


async def test_what_is_free_is_known_at_once(world: World) -> None:
    id = await world.booked(at("09:00"), "dr-heart", "room-2")
    assert at("09:00") not in await world.free("dr-heart")
    assert at("09:00") not in await world.free("dr-heart", "room-2")

    await world.say(id, "cancel", **WHY)
    assert at("09:00") in await world.free("dr-heart", "room-2")


async def test_free_slots_go_on_where_the_page_before_ended(world: World) -> None:
    heart, found = await world.heart(), list[str]()
    asked: dict[str, Any] = {"schedule": "dr-heart", "from": str(DAY), "to": str(DAY), "limit": 7}
    while asked["from"]:
        page = (await heart.get("/slots", params=asked)).json()
        found += [slot["start"] for slot in page["slots"]]
        asked["from"] = page["next"]

    assert found == await world.free("dr-heart")
    assert len(found) == 20


async def test_a_resource_is_set_changed_and_read_by_its_name_or_its_id(world: World) -> None:
    heart = await world.heart()
    made = await heart.put("/schedules/mri", json=OFFICE)
    again = await heart.put("/schedules/mri", json=OFFICE)
    changed = await heart.put("/schedules/mri", json=OFFICE | {"slot_minutes": 60}, headers={"If-Match": 'W/"1"'})
    stale = await heart.put("/schedules/mri", json=OFFICE | {"slot_minutes": 90}, headers={"If-Match": 'W/"1"'})

    assert [made.status_code, again.status_code, changed.status_code, stale.status_code] == [201, 200, 200, 412]
    assert [answer.json()["version"] for answer in (made, again, changed)] == [1, 1, 2]
    by_name, by_id = await heart.get("/schedules/mri"), await heart.get(f"/schedules/{made.json()['id']}")
    assert by_name.json() == by_id.json()
    assert by_name.json()["slot_minutes"] == 60
    assert by_name.headers["ETag"] == 'W/"2"'


async def test_appointments_are_found_by_patient_day_schedule_and_status(world: World) -> None:
    first = await world.booked(at("09:00"), "dr-heart")
    second = await world.booked(at("08:00", day=1), "room-2")
    third = await world.booked(at("08:00"), "dr-heart", "room-2")
    await world.say(second, "cancel", **WHY)
    await world.heard()
    heart = await world.heart()

    async def found(**asked: Any) -> list[str]:
        answer = await heart.get("/appointments", params=asked)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await found() == [third, first, second]
    assert await found(patient=str(ANN), date=str(DAY)) == [third, first]
    assert await found(schedule="room-2") == [third, second]
    assert await found(schedule="room-2", status="cancelled") == [second]
    assert await found(status=["booked", "cancelled"], date=str(DAY + timedelta(days=1))) == [second]
    assert await found(schedule="nobody") == []
    page = (await heart.get("/appointments", params={"limit": 2})).json()
    assert [one["id"] for one in page["items"]] == [third, first]
    assert await found(limit=2, cursor=page["next"]) == [second]


async def test_another_organisation_finds_nothing_but_when_a_resource_is_free(world: World) -> None:
    id = await world.booked(at("09:00"))
    schedule = await world.opened("dr-heart")
    await world.heard()
    north = await world.at(NORTH)

    for answer in (await north.get(f"/appointments/{id}"), await world.say(id, "arrive", by=NORTH)):
        missing = await north.get(f"/appointments/{uuid4()}")
        assert (answer.status_code, answer.json()) == (404, missing.json())
    assert (await north.get("/appointments")).json()["items"] == []
    assert (await north.get("/appointments", params={"patient": str(ANN)})).json()["items"] == []
    assert (await north.get("/schedules/dr-heart")).status_code == 404
    assert (await north.get(f"/schedules/{schedule}")).json()["resource"] == "dr-heart"
    assert len(await world.free(schedule, by=NORTH)) == 19
    theirs = await north.post(
        "/appointments", json={"patient": str(BOB), "schedules": [schedule], "start": at("10:00")}
    )
    assert theirs.status_code == 404


async def test_a_patient_is_booked_by_who_cares_for_them(world: World) -> None:
    theirs = await world.opened("dr-north", by=NORTH)
    wish = {"patient": str(BOB), "schedules": [theirs], "start": at("09:00")}

    assert (await (await world.at(NORTH)).post("/appointments", json=wish)).status_code == 201
    assert (await world.book(at("09:00"), patient=str(BOB))).status_code == 404


async def test_who_may_book(world: World) -> None:
    roles: dict[Role, int] = {"scheduler": 201, "clinician": 409, "biller": 403, "auditor": 403}
    for role, status in roles.items():
        caller = await world.at(HEART, role=role)
        wish = {"patient": str(ANN), "schedules": ["dr-heart"], "start": at("09:00")}
        assert (await caller.post("/appointments", json=wish)).status_code == status


async def test_a_visit_that_is_over_fulfils_its_appointment(world: World) -> None:
    id = await world.booked(at("09:00"))
    await world.say(id, "arrive")
    await world.say(id, "check-in")
    await world.react(finished(appointment=None))
    await world.react(finished(appointment=id, patient=BOB, number=2))
    assert (await (await world.heart()).get(f"/appointments/{id}")).json()["status"] == "checked-in"

    for _ in range(2):
        await world.react(finished(appointment=id, number=3))
    assert (await (await world.heart()).get(f"/appointments/{id}")).json()["status"] == "fulfilled"


BAD_BOOKINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no patient": ({"patient": None}, "patient"),
    "a patient that is no id": ({"patient": "CANARY"}, "patient"),
    "no schedules": ({"schedules": []}, "schedules"),
    "a schedule with a strange name": ({"schedules": ["CANARY/../x"]}, "schedules[0]"),
    "the same schedule twice": ({"schedules": ["dr-heart", "dr-heart"]}, "schedules"),
    "too many schedules": ({"schedules": [f"room-{n}" for n in range(9)]}, "schedules"),
    "a start without an offset": ({"start": f"{DAY}T09:00:00"}, "start"),
    "a start that is a number": ({"start": 1_800_000_000}, "start"),
    "a start that does not exist": ({"start": "2027-02-30T09:00:00Z"}, "start"),
    "a start at no hour": ({"start": f"{DAY}T24:00:00Z"}, "start"),
    "a start with a strange offset": ({"start": f"{DAY}T09:00:00+99:00"}, "start"),
    "a start in another age": ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
    "a start at the end of time": ({"start": "9999-12-31T23:59:59-12:00"}, "start"),
    "an end that is no time": ({"end": "CANARY"}, "end"),
    "a referral that is no id": ({"referral": "CANARY"}, "referral"),
    "an empty reason": ({"reason": " "}, "reason"),
    "a field that is not known": ({"CANARY": 1}, "CANARY"),
}


async def test_a_bad_booking_names_the_field_and_not_its_value(world: World) -> None:
    heart = await world.heart()
    for case, (changes, field) in BAD_BOOKINGS.items():
        wish = {"patient": str(ANN), "schedules": ["dr-heart"], "start": at("09:00"), **changes}
        answer = await heart.post("/appointments", json=wish)

        assert answer.status_code == 422, (case, answer.text)
        assert [one["name"] for one in answer.json()["fields"]] == [field], case
        assert field == "CANARY" or "CANARY" not in answer.text, case
    assert len(await world.free("dr-heart")) == 20


async def test_a_booking_that_the_schedule_does_not_have_is_refused(world: World) -> None:
    for start, code in ((at("09:10"), "NoSuchSlot"), (at("07:30"), "NoSuchSlot"), ("2020-01-06T09:00:00Z", "Past")):
        answer = await world.book(start)
        assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_a_booking_that_names_what_is_not_there_is_not_found(world: World) -> None:
    for wish in ({"patient": str(uuid4())}, {"schedules": [str(uuid4())]}, {"referral": str(uuid4())}):
        assert (await world.book(at("09:00"), **wish)).status_code == 404


def hours(opens: str, closes: str, day: str = "mon") -> dict[str, str]:
    return {"day": day, "opens": opens, "closes": closes}


BAD_SCHEDULES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a zone that does not exist": ("mri", {"time_zone": "CANARY/Atlantis"}, "time_zone"),
    "slots of no length": ("mri", {"slot_minutes": 0}, "slot_minutes"),
    "an hour that does not exist": ("mri", {"hours": [hours("25:00", "08:00")]}, "hours[0].opens"),
    "a day that does not exist": ("mri", {"hours": [hours("08:00", "09:00", "CANARY")]}, "hours[0].day"),
    "hours that overlap": ("mri", {"hours": [hours("08:00", "09:00")] * 2}, "hours[1]"),
    "hours shorter than a slot": ("mri", {"hours": [hours("08:00", "08:10")]}, "hours[0]"),
    "a name that is an id": (str(uuid4()), {}, "resource"),
    "a name with a blank": ("the%20mri", {}, "resource"),
}


async def test_a_bad_schedule_names_the_field_and_not_its_value(world: World) -> None:
    heart = await world.heart()
    for case, (resource, changes, field) in BAD_SCHEDULES.items():
        answer = await heart.put(f"/schedules/{resource}", json=OFFICE | changes)

        assert answer.status_code == 422, (case, answer.text)
        assert [one["name"] for one in answer.json()["fields"]] == [field], case
        assert "CANARY" not in answer.text, case


BAD_SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "no schedule": ("/slots", {"from": str(DAY), "to": str(DAY)}),
    "no end": ("/slots", {"schedule": "dr-heart", "from": str(DAY)}),
    "an end before its beginning": ("/slots", {"schedule": "dr-heart", "from": str(DAY), "to": "2026-01-01"}),
    "a hundred years": ("/slots", {"schedule": "dr-heart", "from": str(DAY), "to": "2126-01-01"}),
    "no days": ("/slots", {"schedule": "dr-heart", "from": "CANARY", "to": str(DAY)}),
    "a status that does not exist": ("/appointments", {"status": "CANARY"}),
    "a day that does not exist": ("/appointments", {"date": "2026-02-30"}),
    "a cursor of somebody else": ("/appointments", {"cursor": "CANARY"}),
}


async def test_a_bad_search_is_not_answered(world: World) -> None:
    heart = await world.heart()
    for case, (path, asked) in BAD_SEARCHES.items():
        answer = await heart.get(path, params=asked)

        assert answer.status_code == 422, (case, answer.text)
        assert "CANARY" not in answer.text, case


async def test_what_needs_words_is_refused_without_them(world: World) -> None:
    id = await world.booked(at("09:00"))

    for step in ("cancel", "retract", "reinstate", "reschedule"):
        assert (await world.say(id, step)).status_code == 422, step
