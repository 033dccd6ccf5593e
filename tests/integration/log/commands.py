"""What the tests of the log ask of it."""

from typing import Any
from uuid import UUID

from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id
from tests.support.counter import Counter, mandate


async def opened(
    log: Log, *, id: UUID | None = None, limit: int = 1_000_000, note: str = "", by: Mandate | None = None
) -> Done:
    who = by or mandate()
    counter = id or fresh_id()

    async def decide(unit: Unit) -> Any:
        unit.add(Counter.open(id=counter, at=who.at, limit=limit, note=note))
        return {"id": str(counter)}

    return await log.run(who, decide)


async def counted(log: Log, id: UUID, *, by: Mandate | None = None) -> Done:
    who = by or mandate()

    async def decide(unit: Unit) -> Any:
        counter = await unit.load(Counter, id)
        counter.count(at=who.at)
        return {"total": counter.total}

    return await log.run(who, decide, target=id)


async def positions(log: Log) -> list[int]:
    return [stored.position for stored in await log.after(0, limit=10_000)]
