"""Thousands of events in one append, as an import makes them: by a process of the same service beside its own."""

from typing import Any

from shared.kernel import Actor, OrganizationId
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Mandate, fresh_id
from tests.support.counter import Counter

BULK = 3_000
_ALICE = Actor(subject="alice", role="clinician", organization=OrganizationId("north"))


async def append_bulk(log: Log) -> None:
    """So many counters are opened at once."""
    mandate = Mandate(actor=_ALICE, action="clinical.amend")

    async def decide(unit: Unit) -> Any:
        for _ in range(BULK):
            unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at))
            await unit.breathe()

    await log.run(mandate, decide)
