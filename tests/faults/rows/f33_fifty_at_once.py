"""F33: fifty clients at once want the same slot, say the same command, change the same thing: exactly one wins."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from deploy.story.cast import HEART_BILLER, HEART_DESK
from tests.faults.drill import Drill
from tests.faults.oracle.client import Answer
from tests.faults.oracle.oracle import Oracle
from tests.faults.oracle.people import a_claim, a_slot
from tests.faults.row import FellShort, row

CLIENTS = 50


@row(
    "F33",
    "50 clients, one slot, one key, one aggregate",
    injected="50 requests at once through the doors of scheduling and billing, during other load",
)
async def fifty_at_once(drill: Drill) -> None:
    five = await drill.five()
    rounds = drill.short_or_full(1, 10)
    async with drill.under_load(five, clients=2, heals_within=60) as oracle:
        oracle.hears_within = 60
        for _ in range(rounds):
            await _one_slot(drill, oracle)
            await _one_key(drill, oracle)
            await _one_aggregate(drill, oracle)
    drill.note(rounds=rounds, at_once=CLIENTS)


async def _one_slot(drill: Drill, oracle: Oracle) -> None:
    """Each client has a key of its own."""
    body = await a_slot(oracle, drill.random)
    made = ["scheduling.appointment.booked"]
    wishes = (
        oracle.command(HEART_DESK, "POST", "scheduling", "/appointments", body, effect=made) for _ in range(CLIENTS)
    )
    _one_wins(await asyncio.gather(*wishes), "one slot", lost=409)


async def _one_key(drill: Drill, oracle: Oracle) -> None:
    """All of them say the same command: all get its one answer."""
    body = await a_slot(oracle, drill.random)
    key = {"Idempotency-Key": str(uuid4())}
    wishes = (
        oracle.client.ask(HEART_DESK, "POST", "scheduling", "/appointments", body=body, headers=key)
        for _ in range(CLIENTS)
    )
    answers = await asyncio.gather(*wishes)
    if {one.status for one in answers} != {201} or len({one.text for one in answers}) != 1:
        raise FellShort(f"one key: {Counter(one.status for one in answers)}, {len({o.text for o in answers})} answers")


async def _one_aggregate(drill: Drill, oracle: Oracle) -> None:
    """Each of them has seen the same version, and pays: the claim is paid once."""
    claim, version = await a_claim(oracle, drill.random)
    paid: dict[str, Any] = {"amount": {"value": "10.00", "currency": "USD"}, "effective": "2026-03-02"}
    matching = {"If-Match": f'W/"{version}"'}
    made = ["billing.claim.paid"]
    path = f"/claims/{claim}/payments"
    wishes = (
        oracle.command(HEART_BILLER, "POST", "billing", path, paid, effect=made, headers=matching)
        for _ in range(CLIENTS)
    )
    _one_wins(await asyncio.gather(*wishes), "one aggregate", lost=412)


def _one_wins(answers: Sequence[Answer], what: str, *, lost: int) -> None:
    if (came := Counter(one.status for one in answers)) != {201: 1, lost: CLIENTS - 1}:
        raise FellShort(f"{what}: {dict(came)} where one should win and {CLIENTS - 1} be told {lost}")
