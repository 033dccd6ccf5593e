"""Billing through its doors: from a visit to a claim that is paid, and what a caller is told."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.contracts.records import EncounterRecorded
from shared.kernel import Role
from tests.integration.billing.known import ANN, CHARGE, COVERAGE, HEART, NORTH, PAYMENT, finished
from tests.support.running import Running, said


async def opened(billing: Running) -> str:
    """The claim of a visit that has just finished; its id."""
    await billing.react(finished())
    [opening] = [one for one in await billing.told() if one.TYPE == "billing.claim.opened.v1"]
    return str(opening.envelope.subject)


async def biller(billing: Running, organization: str = HEART) -> httpx.AsyncClient:
    return await billing.at(organization, role="biller")


async def say(billing: Running, claim: str, step: str, **wish: Any) -> httpx.Response:
    return await (await biller(billing)).post(f"/claims/{claim}/{step}", json=wish or None)


async def test_a_claim_from_a_visit_to_its_payment(billing: Running) -> None:
    desk = await biller(billing)
    coverage = await desk.post("/coverages", json=COVERAGE)
    assert coverage.status_code == 201, coverage.text
    await billing.heard()
    id = await opened(billing)

    charged = await say(billing, id, "charges", **CHARGE)
    assert (charged.status_code, charged.json()["entry"]) == (201, 1), charged.text
    submitted = await say(billing, id, "submit")
    assert (submitted.status_code, submitted.json()["status"]) == (200, "submitted")
    paid = await say(billing, id, "payments", **PAYMENT)
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert b'"balance":{"value":0.00,"currency":"USD"}' in paid.content

    shows = await desk.get(f"/claims/{id}")
    told = shows.json()
    assert shows.headers["ETag"] == 'W/"4"'
    assert (told["patient"], told["organization"]) == (str(ANN), HEART)
    assert (told["encounter"], told["coverage"]) == (str(UUID(int=1)), coverage.json()["id"])
    assert [entry["kind"] for entry in told["ledger"]] == ["charge", "submission", "payment"]
    assert told["ledger"][0]["amount"] == {"value": 120.00, "currency": "USD"}

    await billing.heard()
    [row] = (await desk.get("/claims", params={"patient": str(ANN), "status": "paid"})).json()["items"]
    assert row == {name: value for name, value in told.items() if name not in ("ledger", "version")}


async def test_the_claim_of_a_visit_carries_the_visit_and_its_story(billing: Running) -> None:
    visit = finished()
    await billing.react(visit)
    [opening] = await billing.told()
    envelope = opening.envelope
    assert envelope.links == {"encounter": str(visit.envelope.subject)}
    assert envelope.causationid == visit.envelope.id
    assert (envelope.organization, envelope.patient, envelope.key) == (HEART, ANN, str(ANN))


async def test_a_visit_opens_one_claim_however_often_it_is_heard(billing: Running) -> None:
    for _ in range(3):
        await billing.react(finished())
    assert len(await billing.told()) == 1


async def test_a_visit_is_billed_by_who_held_it_though_the_patient_is_anothers(billing: Running) -> None:
    await billing.react(finished(by=NORTH))
    [opening] = await billing.told()
    assert opening.envelope.organization == NORTH


async def test_the_coverage_in_force_that_pays_first_is_the_claims(billing: Running) -> None:
    desk = await biller(billing)
    wishes: list[dict[str, Any]] = [
        {"member_id": "OVER", "period": {"start": "2025-01-01", "end": "2026-03-01"}},
        {"member_id": "SECOND", "order": 2},
        {"member_id": "FIRST", "period": {"start": "2026-01-01", "end": "2026-03-02"}},
        {"member_id": "LATER", "period": {"start": "2026-03-03"}},
    ]
    ids = {wish["member_id"]: (await desk.post("/coverages", json=COVERAGE | wish)).json()["id"] for wish in wishes}
    await billing.heard()
    claim = await opened(billing)
    assert (await desk.get(f"/claims/{claim}")).json()["coverage"] == ids["FIRST"]

    listed = (await desk.get("/coverages", params={"patient": str(ANN)})).json()["items"]
    assert {one["id"] for one in listed} == set(ids.values())
    assert [one["order"] for one in listed] == [1, 1, 1, 2]


async def test_a_coverage_is_registered_once(billing: Running) -> None:
    desk = await biller(billing)
    answers = await asyncio.gather(*(desk.post("/coverages", json=COVERAGE) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"AlreadyRegistered"}


async def test_the_same_key_many_times_at_once_charges_once(billing: Running) -> None:
    claim, desk = await opened(billing), await biller(billing)
    key = {"Idempotency-Key": "the-one"}
    answers = await asyncio.gather(
        *(desk.post(f"/claims/{claim}/charges", json=CHARGE, headers=key) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len((await desk.get(f"/claims/{claim}")).json()["ledger"]) == 1


async def test_what_the_ledger_refuses_is_named_by_its_rule(billing: Running) -> None:
    claim = await opened(billing)
    assert (await say(billing, claim, "payments", **PAYMENT)).json()["code"] == "NotSubmitted"
    assert (await say(billing, claim, "submit")).json()["code"] == "NothingCharged"
    euros = CHARGE | {"amount": {"value": 1, "currency": "EUR"}}
    assert (await say(billing, claim, "charges", **euros)).json()["code"] == "WrongCurrency"
    await say(billing, claim, "charges", **CHARGE)
    await say(billing, claim, "submit")
    refused = await say(billing, claim, "submit")
    assert (refused.status_code, refused.json()["code"]) == (409, "AlreadySubmitted")


async def test_a_recalled_claim_is_charged_and_submitted_again(billing: Running) -> None:
    claim = await opened(billing)
    await say(billing, claim, "charges", **CHARGE)
    await say(billing, claim, "submit")
    recalled = await say(billing, claim, "reversals", entry=2, reason="A late charge.", effective="2026-03-05")
    assert (recalled.status_code, recalled.json()["status"]) == (201, "open"), recalled.text
    assert [entry["standing"] for entry in recalled.json()["ledger"]] == [True, False, True]
    await say(billing, claim, "charges", **CHARGE)
    again = await say(billing, claim, "submit")
    assert again.json()["ledger"][-1]["total"]["value"] == 240


async def test_the_balance_is_told_for_any_day(billing: Running) -> None:
    claim, desk = await opened(billing), await biller(billing)
    for amount, day in (("50.10", "2026-03-01"), ("70.20", "2026-03-02")):
        await say(
            billing, claim, "charges", **CHARGE | {"amount": {"value": amount, "currency": "USD"}, "effective": day}
        )

    async def balance(**asked: str) -> bytes:
        return (await desk.get(f"/claims/{claim}/balance", params=asked)).content

    assert b'"balance":{"value":0.00,"currency":"USD"}' in await balance(at="2026-02-28")
    assert b'"balance":{"value":50.10,"currency":"USD"}' in await balance(at="2026-03-01")
    assert b'"balance":{"value":120.30,"currency":"USD"}' in await balance(at="2026-03-02") + await balance()


async def test_a_claim_is_opened_by_hand_for_a_visit_that_was_heard_of(billing: Running) -> None:
    desk = await biller(billing)
    visit = EncounterRecorded(status="finished", resource={"resourceType": "Encounter"})
    await billing.heard(said(visit, subject=UUID(int=5), patient=ANN, organization=HEART, origin="history"))
    wish = {"patient": str(ANN), "encounter": str(UUID(int=5)), "currency": "EUR"}
    opened = await desk.post("/claims", json=wish)
    assert opened.status_code == 201, opened.text
    assert opened.headers["Location"] == f"/claims/{opened.json()['id']}"
    assert opened.json()["balance"]["currency"] == "EUR"
    assert (await desk.post("/claims", json=wish)).json()["code"] == "AlreadyOpened"
    assert (await desk.post("/claims", json=wish | {"encounter": str(uuid4())})).status_code == 404
    without = {"patient": str(ANN)}
    assert [(await desk.post("/claims", json=without)).status_code for _ in range(2)] == [201, 201]


async def test_a_claim_by_hand_does_not_take_the_claim_of_anothers_visit(billing: Running) -> None:
    recorded = EncounterRecorded(status="in-progress", resource={"resourceType": "Encounter"})
    await billing.heard(said(recorded, subject=UUID(int=1), patient=ANN, organization=NORTH))
    by_hand = await (await biller(billing)).post("/claims", json={"patient": str(ANN), "encounter": str(UUID(int=1))})
    assert by_hand.status_code == 201
    await billing.react(finished(by=NORTH))
    assert [one.envelope.organization for one in await billing.told()] == [HEART, NORTH]


async def test_another_organisation_finds_nothing(billing: Running) -> None:
    claim = await opened(billing)
    coverage = (await (await biller(billing)).post("/coverages", json=COVERAGE)).json()["id"]
    await billing.heard()
    north = await biller(billing, NORTH)
    missing = await north.get(f"/claims/{uuid4()}")
    for path in (f"/claims/{claim}", f"/claims/{claim}/balance"):
        foreign = await north.get(path)
        assert (foreign.status_code, foreign.json()) == (404, missing.json())
    for step, wish in (("charges", CHARGE), ("submit", {"coverage": coverage}), ("payments", PAYMENT)):
        assert (await north.post(f"/claims/{claim}/{step}", json=wish)).status_code == 404
    assert (await north.get("/claims")).json()["items"] == []
    for path in ("/claims", "/coverages"):
        assert (await north.get(path, params={"patient": str(ANN)})).json()["items"] == []
    assert (await north.post("/coverages", json=COVERAGE)).status_code == 404
    assert (await north.post("/claims", json={"patient": str(ANN)})).status_code == 404


@pytest.mark.parametrize(
    ("role", "registers", "opens", "reads"),
    [("biller", 201, 201, 200), ("registrar", 201, 403, 403), ("clinician", 403, 403, 403), ("auditor", 403, 403, 200)],
)
async def test_who_may_bill(billing: Running, role: Role, registers: int, opens: int, reads: int) -> None:
    caller = await billing.at(HEART, role=role)
    assert (await caller.post("/coverages", json=COVERAGE)).status_code == registers
    assert (await caller.post("/claims", json={"patient": str(ANN)})).status_code == opens
    assert (await caller.get("/claims")).status_code == reads


BAD_CHARGES: dict[str, tuple[dict[str, Any], str]] = {
    "no code": ({"code": None}, "code"),
    "a code with something else": ({"code": CHARGE["code"] | {"CANARY": 1}}, "code.CANARY"),
    "an empty code": ({"code": CHARGE["code"] | {"code": ""}}, "code.code"),
    "no units": ({"units": 0}, "units"),
    "true units": ({"units": True}, "units"),
    "nothing": ({"amount": {"value": 0, "currency": "USD"}}, "amount.value"),
    "less than nothing": ({"amount": {"value": "-120", "currency": "USD"}}, "amount.value"),
    "half a cent": ({"amount": {"value": "0.005", "currency": "USD"}}, "amount.value"),
    "too many digits": ({"amount": {"value": "1" * 30, "currency": "USD"}}, "amount.value"),
    "too much": ({"amount": {"value": "1000000000000", "currency": "USD"}}, "amount.value"),
    "no number": ({"amount": {"value": "CANARY", "currency": "USD"}}, "amount.value"),
    "NaN": ({"amount": {"value": "NaN", "currency": "USD"}}, "amount.value"),
    "no currency": ({"amount": {"value": 1}}, "amount.currency"),
    "a currency that does not exist": ({"amount": {"value": 1, "currency": "XXX"}}, "currency"),
    "a day that does not exist": ({"effective": "2026-02-30"}, "effective"),
    "a day as a number": ({"effective": 20260302}, "effective"),
    "something else": ({"CANARY": 1}, "CANARY"),
}


async def test_a_bad_charge_names_the_field_and_not_its_value(billing: Running) -> None:
    claim = await opened(billing)
    for case, (changes, field) in BAD_CHARGES.items():
        answer = await say(billing, claim, "charges", **CHARGE | changes)
        assert answer.status_code == 422, (case, answer.text)
        assert [one["name"] for one in answer.json()["fields"]] == [field], (case, answer.text)
        assert "CANARY" in field or "CANARY" not in answer.text, case
    assert (await (await biller(billing)).get(f"/claims/{claim}")).json()["ledger"] == []


BAD_WISHES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a coverage that ends first": (
        "/coverages",
        {"period": {"start": "2026-02-01", "end": "2026-01-01"}},
        "period.end",
    ),
    "a coverage of nobody": ("/coverages", {"patient": "CANARY"}, "patient"),
    "a payer without a name": ("/coverages", {"payer": " "}, "payer"),
    "an order before the first": ("/coverages", {"order": 0}, "order"),
    "an order of another type": ("/coverages", {"order": True}, "order"),
}


async def test_a_bad_coverage_names_the_field_and_not_its_value(billing: Running) -> None:
    desk = await biller(billing)
    for case, (path, changes, field) in BAD_WISHES.items():
        answer = await desk.post(path, json=COVERAGE | changes)
        assert answer.status_code == 422, (case, answer.text)
        assert [one["name"] for one in answer.json()["fields"]] == [field], case
        assert "CANARY" not in answer.text, case


async def test_a_bad_search_is_not_answered(billing: Running) -> None:
    desk = await biller(billing)
    for path, asked in (
        ("/coverages", {}),
        ("/coverages", {"patient": "CANARY"}),
        ("/claims", {"status": "CANARY"}),
        ("/claims", {"cursor": "CANARY"}),
        ("/claims", {"limit": "0"}),
        (f"/claims/{uuid4()}/balance", {"at": "CANARY"}),
    ):
        answer = await desk.get(path, params=asked)
        assert (answer.status_code, "CANARY" in answer.text) == (422, False), (path, answer.text)


async def test_claims_are_listed_page_by_page_newest_first(billing: Running) -> None:
    desk = await biller(billing)
    made = [(await desk.post("/claims", json={"patient": str(ANN)})).json()["id"] for _ in range(5)]
    await billing.heard()
    found: list[str] = []
    asked: dict[str, Any] = {"limit": 2}
    while "cursor" not in asked or asked["cursor"]:
        page = (await desk.get("/claims", params=asked)).json()
        found += [one["id"] for one in page["items"]]
        asked["cursor"] = page["next"]
    assert found == made[::-1]
