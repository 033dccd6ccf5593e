"""The loop through its doors: who sees what, what is refused, and what a caller is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.referrals.projections import Deadlines
from shared.kernel import Role
from tests.integration.referrals.world import World, a_world, registered
from tests.unit.referrals.known import HEART, NORTH, STRANGER, VISIT_START

START = VISIT_START.isoformat()


async def test_the_loop_from_the_draft_to_the_review(world: World) -> None:
    id = await world.drafted(priority="urgent", occurrence={"end": "2026-04-01T00:00:00Z"})
    steps: list[tuple[str, str, dict[str, Any], str, str]] = [
        (NORTH, "send", {}, "received", "2.0"),
        (HEART, "accept", {}, "accepted", "3.0"),
        (HEART, "schedule", {"start": START}, "in-progress", "5.1.1"),
        (HEART, "no-show", {}, "in-progress", "5.1.2"),
        (HEART, "schedule", {"start": START}, "in-progress", "5.1.1"),
        (HEART, "cancel-visit", {"reason": "Ill."}, "in-progress", "5.1.3"),
        (HEART, "schedule", {"start": START}, "in-progress", "5.1.1"),
        (HEART, "interim-note", {"note": "Seen.", "references": ["DocumentReference/1"]}, "in-progress", "5.1.4"),
        (NORTH, "request-cancellation", {"reason": "Moved."}, "in-progress", "5.2"),
        (HEART, "outcome", {"note": "No stenosis.", "references": ["DiagnosticReport/1"]}, "completed", "7.0"),
        (NORTH, "review", {"note": "Read."}, "completed", "7.0"),
    ]
    for version, (who, step, body, status, business) in enumerate(steps, start=2):
        answer = await world.say(who, id, step, **body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["status"], told["business_status"], told["version"]) == (status, business, version)
        assert answer.headers["ETag"] == f'W/"{version}"'
        assert told["changed"] == [{"type": "referrals.referral", "id": id, "version": version}]

    shows = await (await world.heart()).get(f"/referrals/{id}")
    assert shows.headers["ETag"] == 'W/"12"'
    assert shows.json()["closed"] is True
    assert shows.json()["outcome"]["references"] == ["DiagnosticReport/1"]


async def test_a_visit_nobody_reports_leads_through_the_active_state_to_an_outcome(world: World) -> None:
    id = await world.accepted()

    active = await (await world.heart()).post(f"/referrals/{id}/schedule")
    closing = await world.say(HEART, id, "outcome", note="Done.")

    assert (active.json()["business_status"], closing.json()["business_status"]) == ("5.1", "7.0")


async def test_a_draft_is_as_if_it_were_not_there_for_its_recipient(world: World) -> None:
    await world.accepted()
    await world.heard()  # from here on the recipient has a care relationship to the patient
    id = await world.drafted()
    heart = await world.heart()

    unseen = await heart.get(f"/referrals/{id}")
    missing = await heart.get(f"/referrals/{uuid4()}")

    assert unseen.status_code == missing.status_code == 404
    assert unseen.json() == missing.json()
    assert (await world.say(HEART, id, "accept")).status_code == 404


async def test_a_stranger_finds_nothing_anywhere(world: World) -> None:
    id = await world.accepted()
    await world.heard()
    stranger = await world.stranger()

    assert (await stranger.get(f"/referrals/{id}")).status_code == 404
    assert (await world.say(STRANGER, id, "accept")).status_code == 404
    assert (await stranger.get("/referrals")).json() == {"items": [], "next": None}


async def test_an_organisation_near_the_patient_is_no_party_of_the_referral(world: World) -> None:
    id = await world.accepted()
    elsewhere = UUID(int=42)
    await world.heard(registered(patient=elsewhere, by=STRANGER))
    other = await (await world.stranger()).post(
        "/referrals",
        json={
            "patient": str(elsewhere), "recipient": HEART, "service": {"text": "X-ray"}, "reason": {"text": "Fall"}
        },
    )  # fmt: skip
    assert other.status_code == 201

    assert (await (await world.stranger()).get(f"/referrals/{id}")).status_code == 404
    assert (await (await world.north()).get(f"/referrals/{other.json()['id']}")).status_code == 404


async def test_a_patient_that_is_not_ones_own_cannot_be_referred(world: World) -> None:
    wish = {"patient": str(uuid4()), "recipient": HEART, "service": {"text": "X-ray"}, "reason": {"text": "Fall"}}

    assert (await (await world.north()).post("/referrals", json=wish)).status_code == 404


@pytest.mark.parametrize(
    ("who", "step", "body", "code"),
    [
        (NORTH, "accept", {}, "NotYours"),
        (HEART, "request-cancellation", {"reason": "Moved."}, "NotYours"),
        (HEART, "no-show", {}, "NotNow"),
        (NORTH, "send", {}, "NotNow"),
        (NORTH, "review", {}, "NoOutcome"),
    ],
)
async def test_what_the_loop_does_not_allow_is_refused_by_name(
    world: World, who: str, step: str, body: dict[str, Any], code: str
) -> None:
    id = await world.accepted()

    answer = await world.say(who, id, step, **body)

    assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    ("step", "body", "field"),
    [
        ("decline", {}, "reason"),
        ("decline", {"reason": "  "}, "reason"),
        ("accept", {"note": "hello"}, "note"),
        ("schedule", {"start": "2026-13-01T00:00:00Z"}, "start"),
        ("schedule", {"start": "2026-03-01T00:00:00"}, "start"),
        ("schedule", {"start": 1772355600}, "start"),
        ("schedule", {"appointment": "tomorrow"}, "appointment"),
        ("outcome", {"note": "Done.", "references": ["a report"]}, "references[0]"),
        ("outcome", {"references": []}, "note"),
    ],
)
async def test_what_is_not_said_properly_is_named_and_changes_nothing(
    world: World, step: str, body: dict[str, Any], field: str
) -> None:
    id = await world.accepted()

    answer = await world.say(HEART, id, step, **body)

    assert answer.status_code == 422, answer.text
    assert [one["name"] for one in answer.json()["fields"]] == [field]
    assert await world.standing(id) == "3.0"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient": " "}, "recipient"),
        ({"service": {}}, "service"),
        ({"reason": {"coding": [{"system": "http://snomed.info/sct"}]}}, "reason.coding[0].code"),
        ({"priority": "soon"}, "priority"),
        ({"occurrence": {"start": "2026-04-02T00:00:00Z", "end": "2026-04-01T00:00:00Z"}}, "occurrence"),
        ({"urgency": "high"}, "urgency"),
        ({"based_on": str(UUID(int=1))}, "based_on"),
    ],
)
async def test_a_draft_that_is_not_said_properly_is_not_written(
    world: World, changes: dict[str, Any], field: str
) -> None:
    wish = {
        "patient": "00000000-0000-7000-8000-000000000007", "recipient": HEART, "service": {"text": "Cardiology"},
        "reason": {"text": "Murmur"}, **changes,
    }  # fmt: skip

    answer = await (await world.north()).post("/referrals", json=wish)

    assert answer.status_code == 422, answer.text
    assert [one["name"] for one in answer.json()["fields"]] == [field]


async def test_a_new_referral_goes_on_from_an_older_one_of_the_same_patient(world: World) -> None:
    old = await world.drafted()
    await world.say(NORTH, old, "send")
    await world.say(HEART, old, "decline", reason="We have no room.")

    new = await world.drafted(based_on=old, recipient="lung-centre")

    shows = (await (await world.north()).get(f"/referrals/{new}")).json()
    assert (shows["based_on"], shows["recipient"]) == (old, "lung-centre")
    foreign = await (await world.at("lung-centre")).get(f"/referrals/{old}")
    assert foreign.status_code == 404


async def test_an_older_referral_of_another_patient_is_no_ground_for_a_new_one(world: World) -> None:
    other = UUID(int=42)
    await world.heard(registered(patient=other))
    old = await world.drafted(patient=str(other))

    with pytest.raises(AssertionError, match="based_on"):
        await world.drafted(based_on=old)


async def test_if_match_protects_from_acting_on_what_has_changed(world: World) -> None:
    id = await world.drafted()
    north = await world.north()

    stale = await north.post(f"/referrals/{id}/send", headers={"If-Match": 'W/"7"'})
    fresh = await north.post(f"/referrals/{id}/send", headers={"If-Match": 'W/"1"'})

    assert (stale.status_code, fresh.status_code) == (412, 200)


async def test_the_same_key_again_gets_the_first_answer(world: World) -> None:
    id = await world.drafted()
    north = await world.north()

    first = await north.post(f"/referrals/{id}/send", headers={"Idempotency-Key": "send-1"})
    again = await north.post(f"/referrals/{id}/send", headers={"Idempotency-Key": "send-1"})

    assert first.status_code == again.status_code == 200
    assert first.content == again.content


@pytest.mark.parametrize(
    ("role", "step", "status"),
    [("scheduler", "schedule", 200), ("scheduler", "outcome", 403), ("auditor", "schedule", 403)],
)
async def test_a_scheduler_moves_visits_and_nothing_else(world: World, role: Role, step: str, status: int) -> None:
    id = await world.accepted()
    client = await world.at(HEART, role=role)

    answer = await client.post(f"/referrals/{id}/{step}", json={"note": "Done."} if step == "outcome" else {})

    assert answer.status_code == status


async def test_the_worklist_shows_both_sides_what_is_due_first(world: World) -> None:
    routine, urgent, draft = await world.drafted(), await world.drafted(priority="urgent"), await world.drafted()
    for id in (routine, urgent):
        await world.say(NORTH, id, "send")
    await world.heard()

    for client, expected in ((await world.north(), [urgent, routine, draft]), (await world.heart(), [urgent, routine])):
        page = (await client.get("/referrals")).json()
        assert [row["id"] for row in page["items"]] == expected
        assert page["items"][0]["overdue"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=received", {"sent"}),
        ("status=2.0", {"sent"}),
        ("status=draft", {"draft"}),
        ("status=3.0", {"accepted"}),
        ("organization=heart-centre", {"draft", "sent", "accepted"}),
        ("organization=lung-centre", set()),
        ("closed=true", {"declined"}),
        ("closed=false", {"draft", "sent", "accepted"}),
        ("overdue=true", set()),
        ("overdue=false", {"draft", "sent", "accepted", "declined"}),
        ("patient=00000000-0000-7000-8000-000000000007", {"draft", "sent", "accepted", "declined"}),
        (f"patient={UUID(int=9)}", set()),
    ],
)
async def test_the_worklist_can_be_narrowed(world: World, query: str, found: set[str]) -> None:
    ids = {"draft": await world.drafted(), "sent": await world.drafted(), "accepted": await world.accepted()}
    ids["declined"] = await world.drafted(recipient="eye-clinic")
    await world.say(NORTH, ids["sent"], "send")
    await world.say(NORTH, ids["declined"], "send")
    await world.say("eye-clinic", ids["declined"], "decline", reason="We have no room.")
    await world.heard()

    page = (await (await world.north()).get(f"/referrals?{query}")).json()

    assert {row["id"] for row in page["items"]} == {ids[name] for name in found}


async def test_the_worklist_comes_in_pages(world: World) -> None:
    ids = [await world.drafted(priority=priority) for priority in ("routine", "urgent", "asap", "stat")]
    for id in ids:
        await world.say(NORTH, id, "send")
    await world.heard()
    north, seen, cursor = await world.north(), [], ""
    while True:
        page = (await north.get(f"/referrals?limit=3{cursor}")).json()
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["status=lost", "overdue=perhaps", "limit=0", "limit=1000", "cursor=x", "patient=x"])
async def test_a_question_that_makes_no_sense_is_named(world: World, query: str) -> None:
    answer = await (await world.north()).get(f"/referrals?{query}")

    assert answer.status_code == 422
    assert [one["name"] for one in answer.json()["fields"]] == [query.split("=")[0]]


async def test_what_was_not_answered_in_time_is_overdue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await world.drafted()
    await world.say(NORTH, id, "send")
    await world.heard()
    later = datetime.now(UTC) + timedelta(hours=49)
    monkeypatch.setattr("services.referrals.api.datetime", type("Later", (), {"now": staticmethod(lambda _: later)}))

    page = (await (await world.heart()).get("/referrals?overdue=true")).json()

    [row] = page["items"]
    assert (row["id"], row["overdue"], row["days"]) == (id, True, 2)
    assert row["next"] == {"action": "accept", "side": "recipient", "organization": HEART}


async def test_the_deadlines_of_the_settings_count(database: str, tmp_path: Path) -> None:
    soon = Deadlines.model_validate({"accept": {"routine": "PT1H", "urgent": "PT1H", "asap": "PT1H", "stat": "PT1H"}})
    async with a_world(database=database, home=tmp_path, due=soon) as world:
        id = await world.drafted()
        await world.say(NORTH, id, "send")
        await world.heard()

        [row] = (await (await world.north()).get("/referrals")).json()["items"]

    assert datetime.fromisoformat(row["due_at"]) - datetime.fromisoformat(row["since"]) == timedelta(hours=1)
