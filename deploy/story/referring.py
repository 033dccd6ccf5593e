"""The first part: North Clinic has a patient, and refers her to Heart Centre."""

from functools import partial

from deploy.story import resources
from deploy.story.cast import HEART, HEART_DOCTOR, NORTH_DESK, NORTH_DOCTOR
from deploy.story.doors import Answer
from deploy.story.scene import Scene


async def register(scene: Scene) -> str:
    body = resources.patient(story=scene.notebook.id)
    answer = await scene.do("register", NORTH_DESK, "records", "/fhir/Patient", body)
    scene.note(patient=answer.body["id"])
    return f"Patient/{answer.body['id']} {version(answer)}"


async def prefer(scene: Scene) -> str:
    body = {"email": f"ilse.berger.{scene.notebook.id[:8]}@example.org", "language": "en"}
    path = f"/patients/{scene.fact('patient')}/preferences"
    answer = await scene.do("prefer", NORTH_DESK, "notifications", path, body, method="PUT")
    return f"{answer.body['channel']} {version(answer)}"


async def diagnose(scene: Scene) -> str:
    body = resources.condition(patient=scene.fact("patient"), at=scene.now("diagnose"))
    answer = await scene.do("diagnose", NORTH_DOCTOR, "records", "/fhir/Condition", body)
    scene.note(condition=answer.body["id"])
    return f"Condition/{answer.body['id']} {version(answer)}"


async def draft(scene: Scene) -> str:
    body = {
        "patient": scene.fact("patient"),
        "recipient": HEART,
        "service": {
            "text": "Cardiology consultation",
            "coding": [{"system": "http://snomed.info/sct", "code": "183519002"}],
        },
        "priority": "urgent",
        "reason": {"text": "Chest pain on exertion"},
    }
    answer = await scene.do("draft", NORTH_DOCTOR, "referrals", "/referrals", body)
    scene.note(referral=answer.body["id"])
    return f"referral {answer.body['id']} {version(answer)}"


async def hidden(scene: Scene) -> str:
    """Asked before it is sent: a foreign patient answers as a missing one."""
    for service, path in _what_heart_may_see_later(scene):
        answer = await scene.get(HEART_DOCTOR, service, path)
        scene.expect(f"{path} is hidden from {HEART} before the referral is sent", holds=answer.status == 404)
    return "404 for the patient, the timeline and the referral"


async def send(scene: Scene) -> str:
    answer = await scene.do("send", NORTH_DOCTOR, "referrals", f"/referrals/{scene.fact('referral')}/send")
    return f"status {answer.body['status']} {version(answer)}"


async def visible(scene: Scene) -> str:
    for service, path in _what_heart_may_see_later(scene):
        await scene.until(f"{HEART} sees {path}", partial(_seen, scene, service, path))
    return "200 for the patient, the timeline and the referral"


async def _seen(scene: Scene, service: str, path: str) -> bool | None:
    return (await scene.get(HEART_DOCTOR, service, path)).status == 200 or None


async def accept(scene: Scene) -> str:
    answer = await scene.do("accept", HEART_DOCTOR, "referrals", f"/referrals/{scene.fact('referral')}/accept")
    return f"status {answer.body['status']} {version(answer)}"


def version(answer: Answer) -> str:
    """As the ETag says it."""
    return "v" + answer.headers.get("etag", "?").removeprefix("W/").strip('"')


def _what_heart_may_see_later(scene: Scene) -> list[tuple[str, str]]:
    patient = scene.fact("patient")
    return [
        ("records", f"/fhir/Patient/{patient}"),
        ("records", f"/patients/{patient}/timeline"),
        ("referrals", f"/referrals/{scene.fact('referral')}"),
    ]
