"""A patient's timeline over HTTP: newest first, filtered, in pages, and for those who may know it."""

from typing import Any

import pytest

from tests.integration.records.clinic import HEART, STRANGER, Clinic
from tests.integration.records.samples import NOWHERE, observation, visit


async def items(clinic: Clinic, ann: str, query: str = "", **how: Any) -> list[dict[str, Any]]:
    shown = await clinic.get(f"/patients/{ann}/timeline?{query}", **how)
    assert shown.status_code == 200, shown.text
    found: list[dict[str, Any]] = shown.json()["items"]
    return found


async def told(clinic: Clinic) -> str:
    """A patient with a visit and three observations, of 2011, May 2011 and 2012."""
    ann = await clinic.registered()
    for when in ("2011", "2011-05", "2012-01-01T10:00:00+01:00"):
        await clinic.recorded(observation(ann, effectiveDateTime=when))
    await clinic.recorded(visit(ann, period={"start": "2011-05-02"}))
    await clinic.heard()
    return ann


async def test_a_timeline_is_newest_first_and_says_when_as_precisely_as_it_was_said(clinic: Clinic) -> None:
    shown = await items(clinic, await told(clinic))
    times = [item["happened"] for item in shown if item["kind"] != "patient"]
    assert times == ["2012-01-01T10:00:00+01:00", "2011-05-02", "2011-05", "2011"]


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ("from=2011-05&to=2011", ["2011-05-02", "2011-05"]),
        ("from=2011-05-02&to=2011-05-02", ["2011-05-02"]),
        ("to=2011-05-01T00:00:00Z", ["2011"]),
        ("from=2012-01-01T09:00:00Z&to=2012", ["2012-01-01T10:00:00+01:00"]),
        ("from=2011&to=2012&kind=encounter", ["2011-05-02"]),
        ("to=2010", []),
    ],
)
async def test_a_timeline_is_filtered_by_time_and_kind(clinic: Clinic, query: str, times: list[str]) -> None:
    assert [item["happened"] for item in await items(clinic, await told(clinic), query)] == times


async def test_kinds_are_alternatives(clinic: Clinic) -> None:
    shown = await items(clinic, await told(clinic), "kind=patient,encounter")
    assert {item["kind"] for item in shown} == {"patient", "encounter"}


async def test_pages_lead_to_the_end_and_miss_nothing(clinic: Clinic) -> None:
    ann = await told(clinic)
    whole, paged = await items(clinic, ann), []
    cursor: str | None = ""
    while cursor is not None:
        page = (await clinic.get(f"/patients/{ann}/timeline?limit=2&cursor={cursor}")).json()
        paged += page["items"]
        cursor = page["next"]
    assert paged == whole


async def test_a_timeline_is_there_for_who_is_near_and_what_one_said_oneself_stays(clinic: Clinic) -> None:
    ann = await told(clinic)
    for who in (HEART, STRANGER):
        assert (await clinic.get(f"/patients/{ann}/timeline", by=who)).status_code == 404
    await clinic.refers(ann)
    everything = {item["event"] for item in await items(clinic, ann)}
    assert everything == {item["event"] for item in await items(clinic, ann, by=HEART)}
    own = await clinic.recorded(observation(ann), by=HEART)
    await clinic.is_declined(ann)
    assert [item["about"]["id"] for item in await items(clinic, ann, by=HEART)] == [own["id"]]
    assert await items(clinic, ann, "kind=encounter", by=HEART) == []
    assert (await clinic.get(f"/{NOWHERE.lower().replace('patient', 'patients')}/timeline")).status_code == 404
    assert (await clinic.get(f"/patients/{ann}/timeline", role="biller")).status_code == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-03-01T10:00:00", "from"), ("from=Zanzibar4711", "from"), ("to=2026-02-30", "to"), ("to=", "to"),
        ("from=1700000000", "from"), ("from=2026-03-01T10:00:00%2B99:00", "from"), ("to=0000", "to"),
        ("limit=0", "limit"), ("limit=abc", "limit"), ("limit=501", "limit"), ("cursor=Zanzibar4711", "cursor"),
        ("cursor=WyJ2Iiw1LCJ4Il0", "cursor"), ("cursor=WyJ2IiwiYSIsIngiXQ", "cursor"),
        ("cursor=WyJ0IiwiMjAyNiIsIngiXQ", "cursor"), ("cursor=WyJ0IiwiMjAyNi0wMS0wMSIsIngiXQ", "cursor"),
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_understood_is_refused_by_name(clinic: Clinic, query: str, field: str) -> None:
    ann = await clinic.registered()
    refused = await clinic.get(f"/patients/{ann}/timeline?{query}")
    assert (refused.status_code, [one["name"] for one in refused.json()["fields"]]) == (422, [field]), refused.text
    assert "Zanzibar4711" not in refused.text
