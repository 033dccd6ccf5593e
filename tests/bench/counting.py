"""The service that the bench runs: counters over every part of the runtime. `python -m tests.bench.counting <role>`.

Its events are as large as the other writers' rows, and it shows one document for each counter.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Annotated, Any, cast
from uuid import UUID

from starlette.responses import Response

from shared.contracts.catalogue import contracts
from shared.contracts.envelope import Contract
from shared.kernel import Actor
from shared.runtime.http.doors import answer, doors, may, reads, reply, the
from shared.runtime.log import Log, Unit
from shared.runtime.main import main
from shared.runtime.mandate import Done, Mandate, fresh_id
from shared.runtime.service import Published, Service
from tests.support.counter import Counter
from tests.support.counters import (
    Commands,
    CounterCounted,
    CounterOpened,
    NewCounter,
    Queries,
    Tally,
)
from tests.support.counters import router as counters

NOTE = "x" * 500
"""what makes the event of a counter as large as the others' rows"""


@contextmanager
def known() -> Iterator[None]:
    """What the bench publishes is in the catalogue, which is kept by whoever asked first, until this ends."""
    catalogue = cast(MutableMapping[str, type[Contract]], contracts())
    ours = {one.TYPE: one for one in (CounterOpened, CounterCounted)}
    catalogue.update(ours)
    try:
        yield
    finally:
        for name in ours:
            del catalogue[name]


class Lives:
    """Commands with several events each."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def live(self, *, mandate: Mandate, id: UUID, events: int) -> Done:
        """A counter that is opened and counted at once."""

        async def decide(unit: Unit) -> dict[str, object]:
            counter = Counter.open(id=id, at=mandate.at, note=NOTE)
            for _ in range(events - 1):
                counter.count(at=mandate.at)
            unit.add(counter)
            return {"id": str(id)}

        return await self._log.run(mandate, decide, target=id)


router = doors(tag="bench")


@router.post("/nothing", status_code=201)
async def nothing(wish: NewCounter, actor: Annotated[Actor, reads("clinical.record")]) -> Response:
    """What a door costs that does nothing: it knows its caller, reads its body, and answers."""
    return answer({"id": str(fresh_id()), "note": len(wish.note)}, status=201)


@router.post("/lives/{events}", status_code=201)
async def live(
    events: int, lives: Annotated[Lives, the(Lives)], mandate: Annotated[Mandate, may("clinical.record")]
) -> Response:
    return reply(await lives.live(mandate=mandate, id=fresh_id(), events=events), status=201)


def _parts(runtime: Any) -> tuple[object, ...]:
    return Commands(log=runtime.log), Lives(log=runtime.log), Queries(documents=runtime.reader)


service = Service(
    name="records",
    title="Counters",
    aggregates=(Counter,),
    publishes=(Published(Counter.Opened, CounterOpened), Published(Counter.Counted, CounterCounted)),
    projections=(Tally(),),
    timers={"ring": "clinical.amend"},
    routers=(counters, router),
    parts=_parts,
)

if __name__ == "__main__":
    with known():
        main(service)
