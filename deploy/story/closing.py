"""The third part: the visit is paid for, and the loop between the two organisations is closed."""

from datetime import UTC, datetime
from functools import partial

from deploy.story.cast import HEART, HEART_BILLER, HEART_DOCTOR, NORTH, NORTH_DOCTOR, Caller
from deploy.story.referring import version
from deploy.story.scene import Scene
from deploy.story.visiting import message_sent

CHARGES = (("93306", "310.00"), ("99243", "145.50"))
"""an echocardiogram and a consultation (CPT), in US dollars"""
TOTAL = "455.50"


async def opened(scene: Scene) -> str:
    """Billing heard that the visit is over, and opened its claim by itself."""
    path = f"/claims?patient={scene.fact('patient')}"

    async def found() -> str | None:
        claims = (await scene.read(HEART_BILLER, "billing", path))["items"]
        return next((str(one["id"]) for one in claims if one["encounter"] == scene.fact("encounter")), None)

    scene.note(claim=await scene.until("a claim is opened by itself", found))
    return f"claim {scene.fact('claim')}"


async def charge(scene: Scene) -> str:
    said = []
    for code, amount in CHARGES:
        body = {
            "code": {"system": "http://www.ama-assn.org/go/cpt", "code": code},
            "amount": {"value": amount, "currency": "USD"},
            "effective": _day(scene, "charge"),
        }
        answer = await scene.do(f"charge {code}", HEART_BILLER, "billing", f"{_claim(scene)}/charges", body)
        said.append(f"{code} {amount} USD {version(answer)}")
    return ", ".join(said)


async def submit(scene: Scene) -> str:
    answer = await scene.do("submit", HEART_BILLER, "billing", f"{_claim(scene)}/submit")
    scene.expect("the claim goes to the patient's coverage", holds=answer.body["coverage"] == scene.fact("coverage"))
    return f"{answer.body['status']} {version(answer)}"


async def pay(scene: Scene) -> str:
    body = {
        "amount": {"value": TOTAL, "currency": "USD"},
        "effective": _day(scene, "pay"),
        "reference": f"TRN-{scene.notebook.id[:8]}",
    }
    answer = await scene.do("pay", HEART_BILLER, "billing", f"{_claim(scene)}/payments", body)
    balance = answer.body["balance"]
    scene.note(payment=f"{scene.fact('claim')}.{answer.body['version']}")
    return f"{answer.body['status']}, balance {balance['value']} {balance['currency']} {version(answer)}"


async def give_outcome(scene: Scene) -> str:
    """The report is why there is an outcome: Heart Centre names it as the cause."""
    body = {
        "note": "Stable angina; medication adjusted, no intervention needed now.",
        "references": [f"DiagnosticReport/{scene.fact('report')}"],
    }
    path = f"/referrals/{scene.fact('referral')}/outcome"
    answer = await scene.do("outcome", HEART_DOCTOR, "referrals", path, body, cause=f"{scene.fact('report')}.1")
    return f"status {answer.body['status']} {version(answer)}"


async def review(scene: Scene) -> str:
    path = f"/referrals/{scene.fact('referral')}/review"
    body = {"note": "Read; control in three months."}
    answer = await scene.do("review", NORTH_DOCTOR, "referrals", path, body)
    return f"closed: {answer.body['closed']} {version(answer)}"


async def told(scene: Scene) -> str:
    return await message_sent(scene, "referral-outcome", about=scene.fact("referral"))


async def closed(scene: Scene) -> str:
    """Both see it in their worklists, with nothing left to do."""
    for caller in (NORTH_DOCTOR, HEART_DOCTOR):
        await scene.until(f"{caller.organization} sees the referral closed", partial(_closed_for, scene, caller))
    return f"in the worklists of {NORTH} and {HEART}"


async def _closed_for(scene: Scene, caller: Caller) -> bool | None:
    path = f"/referrals?patient={scene.fact('patient')}&closed=true"
    rows = (await scene.read(caller, "referrals", path))["items"]
    return any(row["id"] == scene.fact("referral") for row in rows) or None


def _claim(scene: Scene) -> str:
    return f"/claims/{scene.fact('claim')}"


def _day(scene: Scene, step: str) -> str:
    """Today when the step was first played, by UTC's clocks: an entry must not lie in the future anywhere."""
    return datetime.fromisoformat(scene.now(step)).astimezone(UTC).date().isoformat()
