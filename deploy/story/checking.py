"""The end: what must be true of the whole story, for those who took part and for those who did not."""

from collections.abc import Sequence
from typing import Any

from deploy.story.cast import HEART_DOCTOR, NORTH_DOCTOR, STRANGE_BILLER, STRANGER, Caller
from deploy.story.scene import NeverCame, Scene
from deploy.story.thread import Thread, whole_thread

Item = dict[str, Any]

STEPS: Sequence[str] = (
    "records.patient.registered",
    "notifications.preferences.set",
    "records.condition.recorded",
    "referrals.referral.drafted",
    "referrals.referral.sent",
    "referrals.referral.accepted",
    "scheduling.appointment.booked",
    "billing.coverage.registered",
    "scheduling.appointment.arrived",
    "scheduling.appointment.checked-in",
    "records.encounter.recorded",
    "records.observation.recorded",
    "records.diagnosticreport.recorded",
    "records.encounter.finished",
    "billing.claim.opened",
    "billing.claim.charged",
    "billing.claim.submitted",
    "billing.claim.paid",
    "referrals.referral.outcome-received",
    "referrals.referral.reviewed",
)
"""what the timeline must show, in this order"""

ANSWERS: Sequence[tuple[str, str]] = (
    ("referrals.referral.accepted", "notifications.message.sent"),
    ("scheduling.appointment.booked", "referrals.referral.visit-scheduled"),
    ("scheduling.appointment.booked", "notifications.message.sent"),
    ("records.encounter.finished", "scheduling.appointment.fulfilled"),
    ("referrals.referral.outcome-received", "notifications.message.sent"),
)
"""what services say by themselves, some time after what they answer"""


async def timeline(scene: Scene) -> str:
    """Both organisations get the same list."""
    north, heart = await _whole(scene, NORTH_DOCTOR), await _whole(scene, HEART_DOCTOR)
    events = [item["event"] for item in north]
    scene.expect("both see the same timeline", holds=events == [item["event"] for item in heart])
    scene.expect("no event is there twice", holds=len(events) == len(set(events)))
    services = {item["service"] for item in north}
    scene.expect("all five services are in it", holds=len(services) == 5)
    return f"{len(events)} events from {len(services)} services, the same to both"


async def _whole(scene: Scene, caller: Caller) -> list[Item]:
    missing = ""

    async def shown() -> list[Item] | None:
        nonlocal missing
        items = await _pages(scene, caller)
        types = [item["type"] for item in reversed(items)]
        missing = next(filter(None, (first_missing(types, line) for line in (STEPS, *ANSWERS))), "")
        return None if missing else items

    try:
        return await scene.until("the timeline shows every step", shown)
    except NeverCame as never:
        raise NeverCame(f"{never} {missing} is not there, or not in its place.") from None


async def _pages(scene: Scene, caller: Caller) -> list[Item]:
    items: list[Item] = []
    path = f"/patients/{scene.fact('patient')}/timeline?limit=100"
    cursor = ""
    while True:
        page = await scene.read(caller, "records", f"{path}{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def first_missing(types: Sequence[str], wanted: Sequence[str]) -> str:
    """The first of the wanted ones that does not follow the ones before it; empty: they are all there, in order."""
    rest = iter(types)
    return next((one for one in wanted if not any(type.startswith(f"{one}.v") for type in rest)), "")


async def strangers(scene: Scene) -> str:
    """Every door that knows something of her, asked by who has no business with her."""
    missing, lists = _doors_of_one(scene), _doors_of_many(scene)
    for caller, service, path in missing:
        answer = await scene.get(caller, service, path)
        scene.expect(f"{path} of {service} answers a stranger 404, not {answer.status}", holds=answer.status == 404)
    for caller, service, path in lists:
        answer = await scene.get(caller, service, path)
        empty = answer.status == 404 or (answer.status == 200 and not _found(answer.body))
        scene.expect(f"{path.partition('?')[0]} of {service} shows a stranger nothing", holds=empty)
    for caller, service, path in _doors_that_change(scene):
        answer = await scene.doors.ask(caller, "POST", service, path)
        scene.expect(f"{path} of {service} answers a stranger 404, not {answer.status}", holds=answer.status == 404)
    return f"{len(missing) + len(lists) + len(_doors_that_change(scene))} doors asked: 404 or nothing"


def _found(body: Any) -> Any:
    return body.get("entry") or body.get("items")


def _doors_of_one(scene: Scene) -> list[tuple[Caller, str, str]]:
    fact = scene.fact
    patient, claim = fact("patient"), f"/claims/{fact('claim')}"
    return [
        (STRANGER, "records", f"/patients/{patient}/timeline"),
        (STRANGER, "records", f"/fhir/Patient/{patient}"),
        (STRANGER, "records", f"/fhir/Patient/{patient}/_history"),
        (STRANGER, "records", f"/fhir/Patient/{patient}/_history/1"),
        (STRANGER, "records", f"/fhir/Condition/{fact('condition')}"),
        (STRANGER, "records", f"/fhir/Encounter/{fact('encounter')}"),
        (STRANGER, "records", f"/fhir/Observation/{fact('observation')}"),
        (STRANGER, "records", f"/fhir/DiagnosticReport/{fact('report')}/_history"),
        (STRANGER, "referrals", f"/referrals/{fact('referral')}"),
        (STRANGER, "scheduling", f"/appointments/{fact('appointment')}"),
        (STRANGE_BILLER, "billing", claim),
        (STRANGE_BILLER, "billing", f"{claim}/balance"),
        (STRANGER, "notifications", f"/patients/{patient}/preferences"),
        (STRANGER, "notifications", f"/messages/{fact('message appointment-booked')}"),
    ]


def _doors_of_many(scene: Scene) -> list[tuple[Caller, str, str]]:
    patient, story = scene.fact("patient"), scene.notebook.id
    types = ("Condition", "Encounter", "Observation", "DiagnosticReport")
    return [
        (STRANGER, "records", f"/fhir/Patient?_id={patient}"),
        (STRANGER, "records", f"/fhir/Patient?identifier=urn:carelog:story|{story}"),
        *((STRANGER, "records", f"/fhir/{type}?patient={patient}") for type in types),
        *((STRANGER, "records", f"/fhir/{type}") for type in types),
        (STRANGER, "referrals", "/referrals"),
        (STRANGER, "referrals", f"/referrals?patient={patient}"),
        (STRANGER, "scheduling", "/appointments"),
        (STRANGER, "scheduling", f"/appointments?patient={patient}"),
        (STRANGE_BILLER, "billing", "/claims"),
        (STRANGE_BILLER, "billing", f"/claims?patient={patient}"),
        (STRANGE_BILLER, "billing", f"/coverages?patient={patient}"),
        (STRANGER, "notifications", "/messages"),
        (STRANGER, "notifications", f"/messages?patient={patient}"),
    ]


def _doors_that_change(scene: Scene) -> list[tuple[Caller, str, str]]:
    return [
        (STRANGER, "referrals", f"/referrals/{scene.fact('referral')}/accept"),
        (STRANGER, "scheduling", f"/appointments/{scene.fact('appointment')}/arrive"),
        (STRANGE_BILLER, "billing", f"/claims/{scene.fact('claim')}/submit"),
    ]


async def correlation(scene: Scene) -> str:
    """Asked of the services' own logs, not of what is shown of them."""
    thread = await whole_thread(scene)
    ids = {event["correlationid"] for event in thread.values()}
    scene.expect(f"all {len(thread)} events of the story have one correlation id, not {len(ids)}", holds=len(ids) == 1)
    return f"{ids.pop()}, {len(thread)} events"


async def causes(scene: Scene) -> str:
    line = _line_back(await whole_thread(scene), scene.fact("payment"))
    kinds = [event["type"].rsplit(".", 1)[0] for event in line]
    scene.expect("causes lead from the payment to the referral", holds="referrals.referral.drafted" in kinds)
    scene.expect("they end where the story begins", holds=kinds[-1] == "records.patient.registered")
    return f"{len(line)} steps back: {' < '.join(_turns(kinds))}"


def _line_back(thread: Thread, event: str) -> list[Item]:
    line: list[Item] = []
    while (found := thread.get(event)) is not None and found not in line:
        line.append(found)
        event = found.get("causationid", "")
    return line


def _turns(kinds: Sequence[str]) -> list[str]:
    """The aggregates that the line passes, each once in a row."""
    nouns = [kind.split(".")[1] for kind in kinds]
    return [noun for at, noun in enumerate(nouns) if at == 0 or nouns[at - 1] != noun]
