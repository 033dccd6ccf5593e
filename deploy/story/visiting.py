"""The second part: Heart Centre books, receives and examines the patient."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from deploy.story import resources
from deploy.story.cast import HEART_BILLER, HEART_DESK, HEART_DOCTOR, NORTH_DOCTOR
from deploy.story.doors import Unexpected
from deploy.story.referring import version
from deploy.story.scene import Scene

CARDIOLOGIST = "dr-lindqvist"
ROOM = "echo-room-1"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ATTEMPTS = 20
_AHEAD = timedelta(days=30)


async def open_schedules(scene: Scene) -> str:
    """The same for every story: whoever comes first sets them, and the others find them so."""
    hours = [{"day": day, "opens": "07:00", "closes": "19:00"} for day in _DAYS]
    body = {"hours": hours, "slot_minutes": 30, "time_zone": "Europe/Berlin"}
    for resource in (CARDIOLOGIST, ROOM):
        await scene.do(f"open {resource}", HEART_DESK, "scheduling", f"/schedules/{resource}", body, method="PUT")
    return f"{CARDIOLOGIST} and {ROOM}, daily 07:00 to 19:00, 30 minutes"


async def book(scene: Scene) -> str:
    """The first slot that both have free, in the next days. Who loses it to another takes another one."""
    for attempt in range(_ATTEMPTS):
        answer = await scene.say(
            f"book {attempt}", HEART_DESK, "scheduling", "/appointments", await _wish(scene, attempt)
        )
        if answer.status == 201:
            scene.note(appointment=answer.body["id"])
            return f"appointment {answer.body['id']} at {answer.body['start']} {version(answer)}"
        scene.expect(f"a slot is booked or taken, not {answer.status} {answer.code}", holds=answer.status == 409)
    raise Unexpected(f"Others took {_ATTEMPTS} slots before us.")


async def _wish(scene: Scene, attempt: int) -> dict[str, Any]:
    if f"slot {attempt}" not in scene.notebook.facts:
        slots = await _slots(scene)
        scene.expect("there is a free slot in the next days", holds=bool(slots))
        scene.note(**{f"slot {attempt}": slots[0]["start"]})
    return {
        "patient": scene.fact("patient"),
        "schedules": [CARDIOLOGIST, ROOM],
        "start": scene.fact(f"slot {attempt}"),
        "referral": scene.fact("referral"),
        "reason": "Cardiology consultation",
    }


async def _slots(scene: Scene) -> list[dict[str, str]]:
    since = datetime.now(UTC)
    asked = [("schedule", CARDIOLOGIST), ("schedule", ROOM), ("from", _second(since)), ("limit", "10")]
    query = urlencode([*asked, ("to", _second(since + _AHEAD))])
    slots: list[dict[str, str]] = (await scene.read(HEART_DESK, "scheduling", f"/slots?{query}"))["slots"]
    return slots


async def scheduled(scene: Scene) -> str:
    """The appointment carries the referral's id, so the referral moves by itself."""
    path = f"/referrals/{scene.fact('referral')}"

    async def moved() -> str | None:
        visit = (await scene.read(NORTH_DOCTOR, "referrals", path)).get("visit")
        return str(visit["start"]) if visit and visit["appointment"] == scene.fact("appointment") else None

    return f"the referral knows of its visit at {await scene.until('the referral has heard of its visit', moved)}"


async def told(scene: Scene) -> str:
    """A message about the appointment has left the house."""
    return await message_sent(scene, "appointment-booked", about=scene.fact("appointment"))


async def message_sent(scene: Scene, template: str, *, about: str) -> str:
    path = f"/messages?patient={scene.fact('patient')}&status=sent"

    async def sent() -> str | None:
        found = (await scene.read(HEART_DESK, "notifications", path))["items"]
        return next((one["id"] for one in found if (one["template"], one["about"]["id"]) == (template, about)), None)

    id = await scene.until(f"the message {template} is sent", sent)
    scene.note(**{f"message {template}": id})
    return f"message {id} sent"


async def cover(scene: Scene) -> str:
    body = {
        "patient": scene.fact("patient"),
        "payer": "Aurora Health",
        "member_id": f"AH-{scene.notebook.id[:8]}",
        "period": {"start": "2026-01-01"},
    }
    answer = await scene.do("cover", HEART_BILLER, "billing", "/coverages", body)
    scene.note(coverage=answer.body["id"])
    await _covered(scene)
    return f"coverage {answer.body['id']} {version(answer)}"


async def _covered(scene: Scene) -> None:
    """A claim finds its payer among the documents, so they must show it before the visit is over."""
    path = f"/coverages?patient={scene.fact('patient')}"

    async def shown() -> bool | None:
        found = (await scene.read(HEART_BILLER, "billing", path))["items"]
        return any(one["id"] == scene.fact("coverage") for one in found) or None

    await scene.until("the coverage can be found", shown)


async def arrive(scene: Scene) -> str:
    answer = await scene.do("arrive", HEART_DESK, "scheduling", f"/appointments/{scene.fact('appointment')}/arrive")
    return f"{answer.body['status']} {version(answer)}"


async def check_in(scene: Scene) -> str:
    path = f"/appointments/{scene.fact('appointment')}/check-in"
    answer = await scene.do("check in", HEART_DESK, "scheduling", path)
    scene.note(checked_in=f"{scene.fact('appointment')}.{answer.body['version']}")
    return f"{answer.body['status']} {version(answer)}"


async def begin(scene: Scene) -> str:
    """The visit comes of its appointment: that it was checked in is its cause, heard of by records or not."""
    body = resources.encounter(
        patient=scene.fact("patient"), appointment=scene.fact("appointment"), start=scene.now("begin")
    )
    cause = scene.fact("checked_in")
    answer = await scene.do("begin", HEART_DOCTOR, "records", "/fhir/Encounter", body, cause=cause)
    scene.note(encounter=answer.body["id"])
    return f"Encounter/{answer.body['id']} {version(answer)}"


async def measure(scene: Scene) -> str:
    body = resources.observation(
        patient=scene.fact("patient"), encounter=scene.fact("encounter"), at=scene.now("measure")
    )
    answer = await scene.do("measure", HEART_DOCTOR, "records", "/fhir/Observation", body)
    scene.note(observation=answer.body["id"])
    return f"Observation/{answer.body['id']} {version(answer)}"


async def report(scene: Scene) -> str:
    body = resources.report(
        patient=scene.fact("patient"),
        encounter=scene.fact("encounter"),
        observation=scene.fact("observation"),
        at=scene.now("report"),
    )
    answer = await scene.do("report", HEART_DOCTOR, "records", "/fhir/DiagnosticReport", body)
    scene.note(report=answer.body["id"])
    return f"DiagnosticReport/{answer.body['id']} {version(answer)}"


async def finish(scene: Scene) -> str:
    id = scene.fact("encounter")
    body = resources.encounter(
        patient=scene.fact("patient"),
        appointment=scene.fact("appointment"),
        start=scene.now("begin"),
        end=scene.now("finish"),
    )
    answer = await scene.do(
        "finish", HEART_DOCTOR, "records", f"/fhir/Encounter/{id}", {**body, "id": id}, method="PUT"
    )
    return f"{answer.body['status']} {version(answer)}"


async def fulfilled(scene: Scene) -> str:
    path = f"/appointments/{scene.fact('appointment')}"

    async def over() -> str | None:
        answer = await scene.get(HEART_DESK, "scheduling", path)
        return version(answer) if answer.status == 200 and answer.body["status"] == "fulfilled" else None

    return f"fulfilled {await scene.until('the appointment is fulfilled', over)}"


def _second(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
