"""What tests ask of the counters, as Alice of North Clinic."""

from uuid import UUID

from shared.kernel import Actor, OrganizationId
from shared.runtime.mandate import Mandate, fresh_id
from tests.integration.runtime.counters import Commands
from tests.support.running import Running

ALICE = Actor(subject="alice", role="clinician", organization=OrganizationId("north"), purpose="TREAT")


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
