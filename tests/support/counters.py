"""The smallest whole service: counters that can be opened and counted, over every part of the runtime."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response

from shared.contracts.envelope import Contract, Envelope
from shared.kernel import Actor, NotFound
from shared.runtime.documents.port import Equal
from shared.runtime.http.doors import WaitFor, doors, may, reads, reply, the
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id
from shared.runtime.projection import Documents, Journal, Shown
from shared.runtime.reading import Reader, Waited
from shared.runtime.service import Published, Reaction, Service
from tests.support.counter import Counter


class CounterOpened(Contract):
    """A counter was opened."""

    TYPE = "records.counter.opened.v1"

    limit: int
    note: str = ""


class CounterCounted(Contract):
    """It was counted."""

    TYPE = "records.counter.counted.v1"

    by: int


class Commands:
    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def open(
        self,
        *,
        mandate: Mandate,
        id: UUID,
        limit: int = 1_000_000,
        note: str = "",
        patient: UUID | None = None,
        rings: datetime | None = None,
        named: UUID | None = None,
    ) -> Done:
        """`rings`: when it is counted by its timer. `named`: what it was opened because of."""

        async def decide(unit: Unit) -> dict[str, object]:
            if patient is not None:
                await unit.may(action="clinical.record", patient=patient)
            links = {"counter": named} if named else {}
            counter = Counter.open(id=id, at=mandate.at, limit=limit, note=note)
            unit.add(counter, patient=patient, links=links, because_of=[named])
            if rings is not None:
                unit.wake(id, command="ring", at=rings)
            return {"id": str(id)}

        return await self._log.run(mandate, decide, target=id)

    async def count(self, *, mandate: Mandate, id: UUID) -> Done:
        async def decide(unit: Unit) -> dict[str, object]:
            counter = await unit.load(Counter, id)
            counter.count(at=mandate.at)
            return {"total": counter.total}

        return await self._log.run(mandate, decide, target=id)

    async def ring(self, *, mandate: Mandate, aggregate: UUID) -> Done:
        return await self.count(mandate=mandate, id=aggregate)


async def count_what_it_says(opened: CounterOpened, *, commands: Commands, mandate: Mandate) -> object:
    """A counter whose note is another's id counts that one."""
    return await commands.count(mandate=mandate, id=UUID(opened.note)) if opened.note else None


@dataclass(frozen=True)
class Count:
    organization: str
    patient: str | None
    total: int = 0


class Tally(Documents[Count]):
    """A document for each counter."""

    name = "tally"
    hears = ("records",)
    fields = {"id": "text", "organization": "text", "patient": "text"}  # noqa: RUF012

    def where(self, envelope: Envelope) -> tuple[str, ...]:
        return (str(envelope.subject),) if envelope.aggregate == "records.counter" else ()

    def fold(self, state: Count | None, contract: Contract) -> Count:
        patient = str(contract.envelope.patient) if contract.envelope.patient else None
        known = state or Count(contract.envelope.organization, patient)
        return replace(known, total=known.total + contract.by) if isinstance(contract, CounterCounted) else known

    def render(self, id: str, states: Mapping[str, Count]) -> Shown | None:
        count = states[id]
        found_by = {"id": id, "organization": count.organization, "patient": count.patient}
        return Shown(body={"id": id, "total": count.total}, fields=found_by)


class Lines(Journal):
    """A row for each event."""

    name = "lines"
    hears = ("records",)
    fields = {"organization": "text", "patient": "text", "service": "text"}  # noqa: RUF012

    def where(self, envelope: Envelope) -> tuple[str, ...]:
        return (envelope.id,) if envelope.aggregate == "records.counter" else ()

    def row(self, contract: Contract) -> Shown | None:
        said = contract.envelope
        return Shown(body={"event": said.id}, fields={"organization": said.organization, "service": said.service})


class Queries:
    def __init__(self, *, documents: Reader) -> None:
        self._documents = documents

    async def tally(self, *, id: UUID, actor: Actor, wait_for: Waited) -> dict[str, Any]:
        where = [Equal("id", str(id))]
        page = await self._documents.find(Tally, actor=actor, action="clinical.read", where=where, wait_for=wait_for)
        if not page.items:
            raise NotFound
        return page.items[0]


class NewCounter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = ""
    patient: UUID | None = None
    rings: AwareDatetime | None = None


router = doors(tag="counters")
Do = Annotated[Commands, the(Commands)]


@router.post("/counters", status_code=201)
async def open_one(
    wish: NewCounter, commands: Do, mandate: Annotated[Mandate, may("clinical.record")],
    limit: Annotated[int, Header()] = 1_000_000,
) -> Response:  # fmt: skip
    done = await commands.open(
        mandate=mandate, id=fresh_id(), limit=limit, note=wish.note, patient=wish.patient, rings=wish.rings
    )
    return reply(done, status=201, location="/counters/{id}")


@router.post("/counters/{id}/count")
async def count_one(id: UUID, commands: Do, mandate: Annotated[Mandate, may("clinical.amend")]) -> Response:
    return reply(await commands.count(mandate=mandate, id=id))


@router.get("/counters/{id}")
async def read_one(
    id: UUID, wait_for: WaitFor, queries: Annotated[Queries, the(Queries)],
    actor: Annotated[Actor, reads("clinical.read")],
) -> dict[str, Any]:  # fmt: skip
    return await queries.tally(id=id, actor=actor, wait_for=wait_for)


service = Service(
    name="records",
    title="Counters",
    aggregates=(Counter,),
    publishes=(Published(Counter.Opened, CounterOpened), Published(Counter.Counted, CounterCounted)),
    projections=(Tally(), Lines()),
    reactions=(Reaction(CounterOpened, count_what_it_says, action="clinical.amend"),),
    timers={"ring": "clinical.amend"},
    routers=(router,),
    parts=lambda runtime: (Commands(log=runtime.log), Queries(documents=runtime.reader)),
)
