"""What tests ask of the counters, as Alice of North Clinic: through the service's commands, or of a log alone."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from shared.kernel import Actor, EventId, OrganizationId, named_id
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id
from shared.runtime.nearness import Heard
from tests.support.counter import Counter
from tests.support.counters import Commands
from tests.support.running import Running

NORTH, HEART = OrganizationId("north"), OrganizationId("heart")
STORY = named_id("a story elsewhere")

ALICE = Actor(subject="alice", role="clinician", organization=NORTH, purpose="TREAT")


def mandate(**more: object) -> Mandate:
    return Mandate(**{"actor": ALICE, "action": "clinical.amend", **more})  # type: ignore[arg-type]


def commands(it: Running) -> Commands:
    found: Commands = it.runtime.parts[Commands]
    return found


async def opened(it: Running, *, counts: int = 0, patient: UUID | None = None, **more: object) -> UUID:
    id = fresh_id()
    await commands(it).open(mandate=mandate(), id=id, patient=patient, **more)  # type: ignore[arg-type]
    for _ in range(counts):
        await commands(it).count(mandate=mandate(), id=id)
    return id


async def shows(it: Running, id: UUID, total: int) -> bool:
    """Whether North Clinic reads this total."""
    client = await it.at("north", role="clinician")
    answer = await client.get(f"/counters/{id}")
    return answer.status_code == 200 and bool(answer.json()["total"] == total)


class Known:
    """Heart Centre is near to the patients it was told of; one referral has been heard of."""

    def __init__(self) -> None:
        self.patients: set[UUID] = set()
        self.referral = fresh_id()

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return organization == NORTH or patient in self.patients

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return ()

    async def heard(self, aggregate: UUID) -> Heard | None:
        if aggregate != self.referral:
            return None
        return Heard(last=EventId(f"{self.referral}.7"), correlation=STORY, patient=None, near=frozenset())


async def opened_in(
    log: Log, *, by: Mandate | None = None, because_of: Collection[UUID] = (), patient: UUID | None = None, **more: Any
) -> UUID:
    id, who = fresh_id(), by or mandate()

    async def decide(unit: Unit) -> None:
        unit.add(Counter.open(id=id, at=who.at, **{"limit": 9, **more}), patient=patient, because_of=because_of)

    await log.run(who, decide)
    return id


async def counted(log: Log, id: UUID, *, by: Mandate | None = None, before: Any = None) -> Done:
    """`before`: what happens between the look for the command's id and its decision."""
    who = by or mandate()

    async def decide(unit: Unit) -> Any:
        if before:
            await before()
        counter = await unit.load(Counter, id)
        counter.count(at=who.at)
        return {"total": counter.total}

    return await log.run(who, decide, target=id)
