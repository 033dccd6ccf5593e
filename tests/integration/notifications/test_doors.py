"""Notifications through its doors: preferences, and who sees what became of a message."""

from typing import Any
from uuid import uuid4

import pytest

from services.notifications.service import NotificationsSettings
from shared.kernel import Role
from shared.runtime.settings import Misconfigured
from tests.integration.notifications.known import ADDRESS, ANN, HEART, NORTH, PREFERENCES, booked
from tests.support.running import Running

DOOR = f"/patients/{ANN}/preferences"


async def test_preferences_are_set_read_and_changed(notifications: Running) -> None:
    desk = await notifications.at(NORTH, role="registrar")
    assert (await desk.get(DOOR)).status_code == 404
    made = await desk.put(DOOR, json=PREFERENCES)
    assert (made.status_code, made.headers["ETag"]) == (201, 'W/"1"'), made.text
    again = await desk.put(DOOR, json=PREFERENCES)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    changed = await desk.put(
        DOOR, json={"channel": "none", "opted_out": ["referrals", "referrals"]}, headers={"If-Match": 'W/"1"'}
    )
    assert changed.status_code == 200, changed.text
    stale = await desk.put(DOOR, json=PREFERENCES, headers={"If-Match": 'W/"1"'})
    assert stale.status_code == 412
    told = await desk.get(DOOR)
    assert told.headers["ETag"] == 'W/"2"'
    assert {name: told.json()[name] for name in ("email", "channel", "language", "opted_out")} == {
        "email": None,
        "channel": "none",
        "language": "en",
        "opted_out": ["referrals"],
    }


BAD_PREFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"email": "CANARY"}, "email"),
    "two lines": ({"email": "ann@example.org\r\nBcc: CANARY@example.org"}, "email"),
    "two addresses": ({"email": "ann@example.org,CANARY@example.org"}, "email"),
    "a language nobody writes here": ({"language": "CANARY"}, "language"),
    "a channel that does not exist": ({"channel": "CANARY"}, "channel"),
    "a topic that does not exist": ({"opted_out": ["CANARY"]}, "opted_out[0]"),
    "something else": ({"phone": "CANARY"}, "phone"),
}


async def test_bad_preferences_name_the_field_and_not_its_value(notifications: Running) -> None:
    desk = await notifications.at(NORTH, role="registrar")
    for case, (changes, field) in BAD_PREFERENCES.items():
        answer = await desk.put(DOOR, json=PREFERENCES | changes)
        assert answer.status_code == 422, (case, answer.text)
        assert [one["name"] for one in answer.json()["fields"]] == [field], case
        assert "CANARY" not in answer.text, case
    assert await notifications.told() == []


async def test_messages_are_listed_with_how_far_they_came_and_without_an_address(notifications: Running) -> None:
    desk = await notifications.at(NORTH, role="care-manager")
    for version in (1, 2, 3):
        await notifications.react(booked(version=version))
    await notifications.heard()
    page = (await desk.get("/messages", params={"patient": str(ANN), "limit": 2})).json()
    rest = (await desk.get("/messages", params={"limit": 2, "cursor": page["next"]})).json()
    rows = page["items"] + rest["items"]
    assert len({row["id"] for row in rows}) == 3
    assert rest["next"] is None
    assert {row["status"] for row in rows} == {"queued"}
    one = (await desk.get(f"/messages/{rows[0]['id']}")).json()
    assert rows[0] == {name: value for name, value in one.items() if name != "version"}
    assert (await desk.get("/messages", params={"status": "sent"})).json()["items"] == []
    assert ADDRESS not in str(rows)


async def test_another_organisation_finds_nothing(notifications: Running) -> None:
    await (await notifications.at(NORTH, role="registrar")).put(DOOR, json=PREFERENCES)
    await notifications.react(booked())
    await notifications.heard()
    [row] = (await (await notifications.at(HEART, role="clinician")).get("/messages")).json()["items"]
    stranger = await notifications.at("south-clinic", role="clinician")
    missing = await stranger.get(f"/messages/{uuid4()}")
    foreign = await stranger.get(f"/messages/{row['id']}")
    assert (foreign.status_code, foreign.json()) == (404, missing.json())
    for asked in ({}, {"patient": str(ANN)}):
        assert (await stranger.get("/messages", params=asked)).json()["items"] == []
    nobody = await stranger.get(f"/patients/{uuid4()}/preferences")
    foreign = await stranger.get(DOOR)
    assert (foreign.status_code, foreign.json()) == (404, nobody.json())
    assert (await stranger.put(DOOR, json=PREFERENCES)).status_code == 404
    assert (await stranger.put(f"/patients/{uuid4()}/preferences", json=PREFERENCES)).status_code == 404


@pytest.mark.parametrize(
    ("role", "sets", "reads"),
    [("registrar", 201, 200), ("clinician", 201, 200), ("biller", 403, 403), ("auditor", 403, 200)],
)
async def test_who_may_set_and_read(notifications: Running, role: Role, sets: int, reads: int) -> None:
    caller = await notifications.at(NORTH, role=role)
    assert (await caller.put(DOOR, json=PREFERENCES)).status_code == sets
    assert (await caller.get("/messages")).status_code == reads


def test_a_channel_that_is_none_stops_the_start_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"POSTGRES": "postgresql://x", "PORT": "0", "ISSUER": "x", "ISSUER_KEYS": "x"}.items():
        monkeypatch.setenv(f"CARELOG_{name}", value)
    for address in ("", "CANARY", "smtp://ann:CANARY@mail.example.org:port"):
        monkeypatch.setenv("CARELOG_CHANNEL", address)
        with pytest.raises(Misconfigured) as stopped:
            NotificationsSettings.read()
        assert "CARELOG_CHANNEL" in str(stopped.value)
        assert "CANARY" not in str(stopped.value)
