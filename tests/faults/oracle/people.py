"""What is asked of the five services: a patient's way through all of them, drawn from a seed; many at the same time.

What a service does by itself, once it has heard of others, is waited for a few seconds; where it does not come (a
broker may be away), that way ends there and another one begins, so that commands go on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from deploy.story import resources
from deploy.story.cast import HEART, HEART_BILLER, HEART_DESK, HEART_DOCTOR, NORTH_DESK, NORTH_DOCTOR, Caller
from tests.faults.oracle.client import Answer
from tests.faults.oracle.oracle import Oracle

Body = Mapping[str, Any]

_RESOURCES = ("dr-lindqvist", "echo-room-1", "room-2")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SLOTS_TRIED = 5


class Lost(RuntimeError):
    """What a row needs could not be made."""


async def live(oracle: Oracle, random: Random) -> None:
    """A new patient's whole way, or more about one who is there already."""
    if oracle.patients and random.random() < 0.5:
        await _note(oracle, random, random.choice(oracle.patients))
    elif patient := await _register(oracle, random):
        await _prefer(oracle, random, patient)
        await _note(oracle, random, patient)
        await _go(oracle, random, patient)


async def _go(oracle: Oracle, random: Random, patient: str) -> None:
    """From the referral to its outcome; some lose their slot, some do not come."""
    referral = await _refer(oracle, random, patient)
    appointment = await _book(oracle, random, patient, referral) if referral else None
    if referral is None or appointment is None:
        return
    match random.random():
        case chance if chance < 0.15:
            await _appointment(oracle, appointment, "cancel", "cancelled", {"reason": oracle.canary})
        case chance if chance < 0.25:
            await _appointment(oracle, appointment, "no-show", "missed")
        case _:
            await _visit(oracle, random, patient, appointment)
            await _referral(oracle, HEART_DOCTOR, referral, "outcome", "outcome-received", {"note": oracle.canary})
            await _referral(oracle, NORTH_DOCTOR, referral, "review", "reviewed", {"note": oracle.canary})


async def a_slot(oracle: Oracle, random: Random) -> dict[str, Any]:
    """A booking that can be made: for a patient that scheduling has heard of, of a slot that is free."""
    patient = await _register(oracle, random)
    referral = await _refer(oracle, random, patient, declined=0.0) if patient else None
    if patient is None or referral is None or await _book(oracle, random, patient, referral) is None:
        raise Lost("no slot could be had for a patient who is known")
    chosen = random.sample(_RESOURCES, 2)
    slots = await oracle.heard(HEART_DESK, "scheduling", _slots(chosen), lambda said: said["slots"])
    return {"patient": patient, "schedules": chosen, "start": slots[-1]["start"], "reason": oracle.canary}


async def a_claim(oracle: Oracle, random: Random) -> tuple[str, int]:
    """A claim that was submitted, and its version."""
    patient = await _register(oracle, random)
    referral = await _refer(oracle, random, patient, declined=0.0) if patient else None
    if patient is None or referral is None:
        raise Lost("no patient could be referred")
    opened = await _tell(oracle, HEART_BILLER, "billing", "/claims", {"patient": patient}, effect="claim.opened")
    if (claim := _id(opened)) is None:
        raise Lost("no claim could be opened")
    amount = {"value": "100.00", "currency": "USD"}
    charge = {"code": {"system": "http://www.ama-assn.org/go/cpt", "code": "99243"}, "amount": amount}
    await _claim(oracle, claim, "charges", "charged", {**charge, "effective": "2026-03-02"})
    submitted = await oracle.command(
        HEART_BILLER, "POST", "billing", f"/claims/{claim}/submit", effect=["billing.claim.submitted"]
    )
    return claim, int(submitted.body["version"])


async def _tell(
    oracle: Oracle,
    who: Caller,
    service: str,
    path: str,
    body: Body | None = None,
    *,
    effect: str | None,
    method: str = "POST",
) -> Answer:
    """One command. `effect`: the events it makes, by the ends of their names."""
    made = [f"{service}.{one}" for one in (effect or "").split()]
    return await oracle.command(who, method, service, path, body, effect=made, until_heard=oracle.hears_within)


async def _register(oracle: Oracle, random: Random) -> str | None:
    number = f"{oracle.canary}-{random.randrange(10**12)}"
    body = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:carelog:faults", "value": number}],
        "name": [{"family": oracle.canary, "given": [f"{oracle.canary}a"]}],
        "gender": random.choice(["female", "male", "other"]),
        "birthDate": f"19{random.randrange(30, 99)}-03-14",
        "address": [{"city": oracle.canary, "country": "DE"}],
    }
    effect = "patient.registered identifier.claimed"
    answer = await _tell(oracle, NORTH_DESK, "records", "/fhir/Patient", body, effect=effect)
    if answer.fine:
        oracle.patients.append(answer.body["id"])
    return _id(answer)


async def _prefer(oracle: Oracle, random: Random, patient: str) -> None:
    path = f"/patients/{patient}/preferences"
    body = {"email": f"{oracle.canary.lower()}@example.org", "language": random.choice(["en", "de"])}
    await _tell(oracle, NORTH_DESK, "notifications", path, body, effect="preferences.set", method="PUT")


async def _note(oracle: Oracle, random: Random, patient: str) -> None:
    """One to three entries."""
    for _ in range(random.randrange(1, 4)):
        body = resources.condition(patient=patient, at=_now())
        body["code"]["text"] = f"{oracle.canary} {random.randrange(1000)}"
        await _tell(oracle, NORTH_DOCTOR, "records", "/fhir/Condition", body, effect="condition.recorded")


async def _refer(oracle: Oracle, random: Random, patient: str, *, declined: float = 0.1) -> str | None:
    """Drafted, sent, and accepted or declined."""
    body = {
        "patient": patient,
        "recipient": HEART,
        "service": {"text": oracle.canary},
        "priority": random.choice(["routine", "urgent"]),
        "reason": {"text": oracle.canary},
    }
    drafted = await _tell(oracle, NORTH_DOCTOR, "referrals", "/referrals", body, effect="referral.drafted")
    if (referral := _id(drafted)) is None:
        return None
    await _referral(oracle, NORTH_DOCTOR, referral, "send", "sent")
    if random.random() < declined:
        await _referral(oracle, HEART_DOCTOR, referral, "decline", "declined", {"reason": oracle.canary})
        return None
    await _referral(oracle, HEART_DOCTOR, referral, "accept", "accepted")
    return referral


async def _referral(oracle: Oracle, who: Caller, referral: str, what: str, came: str, body: Body | None = None) -> None:
    await _tell(oracle, who, "referrals", f"/referrals/{referral}/{what}", body, effect=f"referral.{came}")


async def _book(oracle: Oracle, random: Random, patient: str, referral: str) -> str | None:
    """One of the first free slots of two resources: others want them, too."""
    await _open(oracle)
    chosen = random.sample(_RESOURCES, 2)
    for _ in range(_SLOTS_TRIED):
        slots = await oracle.heard(HEART_DESK, "scheduling", _slots(chosen), lambda said: said["slots"])
        if not slots:
            return None
        start = random.choice(slots[:4])["start"]
        body = {"patient": patient, "schedules": chosen, "start": start, "referral": referral, "reason": oracle.canary}
        answer = await _tell(oracle, HEART_DESK, "scheduling", "/appointments", body, effect="appointment.booked")
        if answer.status != 409:
            return _id(answer)
    return None


async def _open(oracle: Oracle) -> None:
    """The resources, once for all."""
    if oracle.known.setdefault("schedules", []):
        return
    oracle.known["schedules"].append("open")
    hours = [{"day": day, "opens": "00:00", "closes": "23:30"} for day in _DAYS]
    body = {"hours": hours, "slot_minutes": 10, "time_zone": "Europe/Berlin"}
    for resource in _RESOURCES:
        await _tell(oracle, HEART_DESK, "scheduling", f"/schedules/{resource}", body, effect=None, method="PUT")


def _slots(chosen: list[str]) -> str:
    since = datetime.now(UTC) + timedelta(hours=1)
    asked = [*(("schedule", one) for one in chosen), ("from", since.isoformat(timespec="seconds")), ("limit", "10")]
    until = since + timedelta(days=60)
    return f"/slots?{urlencode([*asked, ('to', until.isoformat(timespec='seconds'))])}"


async def _visit(oracle: Oracle, random: Random, patient: str, appointment: str) -> None:
    """She is covered, comes, is seen, and it is billed and paid."""
    member = f"{oracle.canary}-{random.randrange(10**9)}"
    body = {"patient": patient, "payer": "Aurora Health", "member_id": member, "period": {"start": "2026-01-01"}}
    await _tell(oracle, HEART_BILLER, "billing", "/coverages", body, effect="coverage.registered")
    await _appointment(oracle, appointment, "arrive", "arrived")
    await _appointment(oracle, appointment, "check-in", "checked-in")
    if encounter := await _examine(oracle, patient, appointment):
        await _bill(oracle, random, patient, encounter)


async def _appointment(oracle: Oracle, appointment: str, what: str, came: str, body: Body | None = None) -> None:
    path = f"/appointments/{appointment}/{what}"
    await _tell(oracle, HEART_DESK, "scheduling", path, body, effect=f"appointment.{came}")


async def _examine(oracle: Oracle, patient: str, appointment: str) -> str | None:
    now = _now()
    began = resources.encounter(patient=patient, appointment=appointment, start=now)
    answer = await _tell(oracle, HEART_DOCTOR, "records", "/fhir/Encounter", began, effect="encounter.recorded")
    if (id := _id(answer)) is None:
        return None
    seen = resources.observation(patient=patient, encounter=id, at=now)
    await _tell(oracle, HEART_DOCTOR, "records", "/fhir/Observation", seen, effect="observation.recorded")
    over = {**resources.encounter(patient=patient, appointment=appointment, start=now, end=now), "id": id}
    path = f"/fhir/Encounter/{id}"
    await _tell(oracle, HEART_DOCTOR, "records", path, over, effect="encounter.finished", method="PUT")
    return id


async def _bill(oracle: Oracle, random: Random, patient: str, encounter: str) -> None:
    """Its claim opens by itself; the rest is done by hand."""
    claim = await oracle.heard(
        HEART_BILLER,
        "billing",
        f"/claims?patient={patient}",
        lambda said: next((one["id"] for one in said["items"] if one["encounter"] == encounter), None),
        within=oracle.hears_within,
    )
    if claim is None:
        return
    today = datetime.now(UTC).date().isoformat()
    amount = {"value": f"{random.randrange(50, 400)}.{random.randrange(10, 99)}", "currency": "USD"}
    code = {"system": "http://www.ama-assn.org/go/cpt", "code": "99243"}
    await _claim(oracle, claim, "charges", "charged", {"code": code, "amount": amount, "effective": today})
    await _claim(oracle, claim, "submit", "submitted")
    paid = {"amount": amount, "effective": today, "reference": f"TRN-{claim}"}
    await _claim(oracle, claim, "payments", "paid", paid)


async def _claim(oracle: Oracle, claim: str, what: str, came: str, body: Body | None = None) -> None:
    await _tell(oracle, HEART_BILLER, "billing", f"/claims/{claim}/{what}", body, effect=f"claim.{came}")


def _id(answer: Answer) -> str | None:
    return str(answer.body["id"]) if answer.fine else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
