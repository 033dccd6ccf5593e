"""Twelve scripts of those who abuse what they may do: loops, races, keys used twice, guesses, steps out of order."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from deploy.story.cast import HEART, HEART_DOCTOR, NORTH_DESK, NORTH_DOCTOR, STRANGE_BILLER, STRANGER, Caller
from tests.bad_input.clinic import NORTH_BILLER, NORTH_SCHEDULER, Clinic
from tests.e2e.logs import holes, whole_log
from tests.support.system import System

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.timeout(300)]

HEART_SCHEDULER = Caller(subject="s-heart", role="scheduler", organization=HEART, purpose="PATADMIN")


@pytest.fixture
async def clinic(system: System) -> AsyncIterator[Clinic]:
    async with Clinic(system) as clinic:
        yield clinic


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_booking_and_cancelling_fifty_times_leaves_the_slot_as_free_as_before(clinic: Clinic) -> None:
    patient, (resource, free) = await clinic.patient(), await clinic.slots()
    wish = {"patient": patient, "schedules": [resource], "start": free[0]}
    for _ in range(50):
        booked = await clinic.until_taken(NORTH_SCHEDULER, "scheduling", "/appointments", wish)
        assert booked.status_code == 201, booked.text
        path = f"/appointments/{booked.json()['id']}/cancel"
        assert (await clinic.ask(NORTH_SCHEDULER, "POST", "scheduling", path, {"reason": "no"})).status_code == 200
    assert await clinic.free(resource) == free
    assert (await clinic.ask(NORTH_SCHEDULER, "POST", "scheduling", "/appointments", wish)).status_code == 201


async def test_a_key_with_another_body_is_refused_and_has_no_effect(clinic: Clinic) -> None:
    patient, (resource, free) = await clinic.patient(), await clinic.slots()
    wish, key = {"patient": patient, "schedules": [resource], "start": free[0]}, str(uuid4())
    first = await clinic.until_taken(NORTH_SCHEDULER, "scheduling", "/appointments", wish)
    assert first.status_code == 201
    kept = [
        await clinic.ask(
            NORTH_SCHEDULER, "POST", "scheduling", "/appointments", {**wish, "start": start}, Idempotency_Key=key
        )
        for start in (free[1], free[1], free[2])
    ]
    assert [answer.status_code for answer in kept] == [201, 201, 422]
    assert kept[0].content == kept[1].content
    assert free[2] in await clinic.free(resource)


async def test_a_key_at_another_door_is_refused(clinic: Clinic) -> None:
    referral, key = await clinic.referral(await clinic.patient(), sent=False), str(uuid4())
    sent = await clinic.ask(NORTH_DOCTOR, "POST", "referrals", f"/referrals/{referral}/send", Idempotency_Key=key)
    other = await clinic.ask(NORTH_DOCTOR, "POST", "referrals", f"/referrals/{referral}/review", Idempotency_Key=key)
    assert (sent.status_code, other.status_code) == (200, 422)


async def test_a_key_that_somebody_else_used_is_ones_own(clinic: Clinic) -> None:
    key, colleague = str(uuid4()), Caller(subject="dr-other", role="clinician", organization=NORTH_DOCTOR.organization)
    patient = await clinic.patient()
    wish = {"patient": patient, "recipient": HEART, "service": {"text": "Consult"}, "reason": {"text": "Pain"}}
    answers = [
        await clinic.until_taken(caller, "referrals", "/referrals", wish) for caller in (NORTH_DOCTOR, colleague)
    ]
    answers += [
        await clinic.ask(caller, "POST", "referrals", "/referrals", wish, Idempotency_Key=key)
        for caller in (NORTH_DOCTOR, colleague)
    ]
    assert statuses(answers) == {201: 4}
    assert len({answer.json()["id"] for answer in answers}) == 4


async def test_one_key_fifty_times_at_once_is_one_payment(clinic: Clinic) -> None:
    claim, key = await clinic.claim(await clinic.patient()), str(uuid4())
    payment = {"amount": {"value": "20.00", "currency": "USD"}, "effective": "2026-03-20", "paid_by": "payer"}
    answers = await asyncio.gather(
        *(
            clinic.ask(NORTH_BILLER, "POST", "billing", f"/claims/{claim}/payments", payment, Idempotency_Key=key)
            for _ in range(50)
        )
    )
    assert statuses(answers) == {201: 50}
    assert len({answer.content for answer in answers}) == 1
    assert await _balance(clinic, claim) == "100.00"


async def test_guessed_ids_all_answer_as_what_does_not_exist(clinic: Clinic) -> None:
    """Neighbours of a real id, foreign ids and made-up ones: no answer tells them apart."""
    patient = await clinic.patient()
    referral, claim = await clinic.referral(patient, sent=False), await clinic.claim(patient)
    doors = (
        (STRANGER, "records", "/fhir/Patient/{}", patient),
        (STRANGER, "records", "/patients/{}/timeline", patient),
        (STRANGER, "referrals", "/referrals/{}", referral),
        (STRANGE_BILLER, "billing", "/claims/{}", claim),
    )
    for caller, service, path, real in doors:
        guesses = [real, *(str(UUID(int=UUID(real).int + step)) for step in (-1, 1, 2)), str(uuid4())]
        answers = [await clinic.ask(caller, "GET", service, path.format(guess)) for guess in guesses]
        told = {answer.text.replace(guess, "?") for answer, guess in zip(answers, guesses, strict=True)}
        assert (statuses(answers), len(told)) == ({404: 5}, 1), path


async def test_steps_of_the_loop_out_of_order_are_refused(clinic: Clinic) -> None:
    referral = await clinic.referral(await clinic.patient(), sent=False)
    seen_by_heart: dict[str, Any] = {"accept": None, "schedule": None, "no-show": None, "outcome": {"note": "n"}}
    for step, body in seen_by_heart.items():
        answer = await clinic.ask(HEART_DOCTOR, "POST", "referrals", f"/referrals/{referral}/{step}", body)
        assert answer.status_code == 404, step
    await clinic.ask(NORTH_DOCTOR, "POST", "referrals", f"/referrals/{referral}/send")
    before = await _version(clinic, referral)
    for caller, step, body in (
        (NORTH_DOCTOR, "send", None),
        (NORTH_DOCTOR, "review", None),
        (HEART_DOCTOR, "no-show", None),
        (HEART_DOCTOR, "cancel-visit", {"reason": "r"}),
        (HEART_DOCTOR, "outcome", {"note": "n"}),
        (HEART_DOCTOR, "confirm-cancellation", None),
    ):
        answer = await clinic.ask(caller, "POST", "referrals", f"/referrals/{referral}/{step}", body)
        assert answer.status_code == 409, (step, answer.text)
    assert await _version(clinic, referral) == before


async def test_twenty_who_build_on_one_version_at_once_have_one_winner(clinic: Clinic) -> None:
    referral = await clinic.referral(await clinic.patient())
    tag = f'W/"{await _version(clinic, referral)}"'
    answers = await asyncio.gather(
        *(
            clinic.ask(HEART_DOCTOR, "POST", "referrals", f"/referrals/{referral}/accept", If_Match=tag)
            for _ in range(20)
        )
    )
    assert statuses(answers) == {200: 1, 412: 19}


async def test_a_part_that_is_the_others_to_take_is_refused(clinic: Clinic) -> None:
    """Neither accepts its own referral, nor closes the other's; a third party knows of nothing."""
    referral = await clinic.referral(await clinic.patient())
    tried = [
        await clinic.ask(caller, "POST", "referrals", f"/referrals/{referral}/{step}", body)
        for caller, step, body in (
            (NORTH_DOCTOR, "accept", None),
            (HEART_DOCTOR, "request-cancellation", {"reason": "r"}),
            (HEART_DOCTOR, "review", None),
            (STRANGER, "accept", None),
        )
    ]
    assert [answer.status_code for answer in tried] == [409, 409, 409, 404], [answer.text for answer in tried]


async def test_what_was_declined_does_not_come_back(clinic: Clinic) -> None:
    referral = await clinic.referral(await clinic.patient())
    said = await clinic.ask(HEART_DOCTOR, "POST", "referrals", f"/referrals/{referral}/decline", {"reason": "full"})
    assert said.status_code == 200, said.text
    again = [
        await clinic.ask(HEART_DOCTOR, "POST", "referrals", f"/referrals/{referral}/{step}")
        for step in ("accept", "schedule")
    ]
    assert {answer.status_code for answer in again} <= {404, 409}
    assert (await clinic.ask(NORTH_DOCTOR, "GET", "referrals", f"/referrals/{referral}")).json()["status"] == "rejected"


async def test_money_is_not_taken_back_twice(clinic: Clinic) -> None:
    claim = await clinic.claim(await clinic.patient())
    payment = {"amount": {"value": "20.00", "currency": "USD"}, "effective": "2026-03-20", "paid_by": "payer"}
    assert (await clinic.ask(NORTH_BILLER, "POST", "billing", f"/claims/{claim}/payments", payment)).status_code == 201
    entries = (await clinic.ask(NORTH_BILLER, "GET", "billing", f"/claims/{claim}")).json()["ledger"]
    entry = next(one["entry"] for one in entries if one["kind"] == "payment")
    wish = {"entry": entry, "reason": "bounced", "effective": "2026-03-21"}
    answers = await asyncio.gather(
        *(clinic.ask(NORTH_BILLER, "POST", "billing", f"/claims/{claim}/reversals", wish) for _ in range(20))
    )
    assert statuses(answers) == {201: 1, 409: 19}
    assert await _balance(clinic, claim) == "120.00"


async def test_history_and_causes_are_not_made_up(clinic: Clinic) -> None:
    person = {"resourceType": "Patient", "name": [{"family": "Okafor"}]}
    forged = [
        await clinic.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", person, Carelog_Origin="history"),
        await clinic.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", person, Carelog_Origin="future"),
        await clinic.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", person, Carelog_Cause="1 OR 1=1"),
        await clinic.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", person, Idempotency_Key="a\tb" * 300),
    ]
    assert [answer.status_code for answer in forged] == [403, 422, 422, 400]


async def test_after_all_of_it_no_log_has_a_hole(system: System) -> None:
    for service in ("records", "scheduling", "referrals", "billing", "notifications"):
        assert holes(await whole_log(system, service)) == []


async def _version(clinic: Clinic, referral: str) -> int:
    answer = await clinic.ask(NORTH_DOCTOR, "GET", "referrals", f"/referrals/{referral}")
    return int(answer.headers["etag"].split('"')[1])


async def _balance(clinic: Clinic, claim: str) -> str:
    told = json.loads(
        (await clinic.ask(NORTH_BILLER, "GET", "billing", f"/claims/{claim}/balance")).text, parse_float=str
    )
    return str(told["balance"]["value"])
