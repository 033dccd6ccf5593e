"""What the simulated service keeps: slips that are written, added to, withdrawn and restored.

A slip may belong to another one. Then both are sources of that one's sheet, and a reaction adds to it what was added
to the slip: commands that come of events, and events of them again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Self
from uuid import UUID

from shared.contracts.envelope import Contract, Envelope
from shared.kernel import Actor, Aggregate, Birth, Event, OrganizationId, Refused
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate
from shared.runtime.projection import Documents, Journal, Shown
from shared.runtime.service import Published, Reaction, Service

LIMIT = 120
POISON = 13
"""an amount that the sheets cannot take until they are mended"""
WHO = Actor(subject="alice", role="clinician", organization=OrganizationId("north"))


class Enough(Refused):
    """The slip is full."""


class NotNow(Refused):
    """The slip is withdrawn, or is not."""


class Slip(Aggregate):
    """A sum that many may add to."""

    TOPIC = "records.slip"

    class Written(Birth):
        TOPIC: ClassVar[str] = "records.slip.written"

    class Added(Event):
        TOPIC: ClassVar[str] = "records.slip.added"

        by: int

    class Withdrawn(Event):
        TOPIC: ClassVar[str] = "records.slip.withdrawn"

    class Restored(Event):
        TOPIC: ClassVar[str] = "records.slip.restored"

    def __init__(self) -> None:
        self.total = 0
        self.withdrawn = False

    @classmethod
    def write(cls, *, id: UUID, at: datetime) -> Self:
        return cls._born(cls.Written, id=id, at=at)

    def add_to(self, *, at: datetime, by: int) -> None:
        if self.withdrawn:
            raise NotNow
        if self.total + by > LIMIT:
            raise Enough
        self._record(Slip.Added, at=at, by=by)

    def withdraw(self, *, at: datetime) -> None:
        if self.withdrawn:
            raise NotNow
        self._record(Slip.Withdrawn, at=at)

    def restore(self, *, at: datetime) -> None:
        if not self.withdrawn:
            raise NotNow
        self._record(Slip.Restored, at=at)

    def _fold(self, event: Event) -> None:
        match event:
            case Slip.Written():
                pass
            case Slip.Added():
                self.total += event.by
            case Slip.Withdrawn():
                self.withdrawn = True
            case Slip.Restored():
                self.withdrawn = False
            case _:
                raise AssertionError(event)


class SlipWritten(Contract):
    """A slip was written."""

    TYPE = "records.slip.written.v1"


class SlipAdded(Contract):
    """It was added to."""

    TYPE = "records.slip.added.v1"

    by: int


class SlipWithdrawn(Contract):
    """It was withdrawn."""

    TYPE = "records.slip.withdrawn.v1"


class SlipRestored(Contract):
    """It was restored."""

    TYPE = "records.slip.restored.v1"


CONTRACTS: Mapping[str, type[Contract]] = {
    one.TYPE: one for one in (SlipWritten, SlipAdded, SlipWithdrawn, SlipRestored)
}


class Commands:
    """What may be asked of slips."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def write(self, *, mandate: Mandate, id: UUID, under: UUID | None) -> Done:
        async def decide(unit: Unit) -> dict[str, object]:
            if await unit.find(Slip, id):
                raise NotNow
            unit.add(Slip.write(id=id, at=mandate.at), links={"slip": under} if under else {})
            return {"id": str(id)}

        return await self._log.run(mandate, decide, target=id)

    async def add_to(self, *, mandate: Mandate, id: UUID, by: int) -> Done:
        async def decide(unit: Unit) -> dict[str, object]:
            slip = await unit.load(Slip, id)
            slip.add_to(at=mandate.at, by=by)
            return {"total": slip.total}

        return await self._log.run(mandate, decide, target=id)

    async def move(self, *, mandate: Mandate, id: UUID, to: UUID, by: int) -> Done:
        """Adds to two at once, while a third look at either would be refused."""

        async def decide(unit: Unit) -> dict[str, object]:
            slips = await unit.load_all(Slip, [id, to])
            for slip in slips.values():
                slip.add_to(at=mandate.at, by=by)
            return {"total": sum(slip.total for slip in slips.values())}

        return await self._log.run(mandate, decide, target=id, also=[to])

    async def withdraw(self, *, mandate: Mandate, id: UUID) -> Done:
        async def decide(unit: Unit) -> None:
            (await unit.load(Slip, id)).withdraw(at=mandate.at)

        return await self._log.run(mandate, decide, target=id)

    async def restore(self, *, mandate: Mandate, id: UUID) -> Done:
        async def decide(unit: Unit) -> None:
            (await unit.load(Slip, id)).restore(at=mandate.at)

        return await self._log.run(mandate, decide, target=id)


async def pass_it_on(added: SlipAdded, *, commands: Commands, mandate: Mandate) -> object:
    """What is added to a slip is added to the one it belongs to."""
    under = added.envelope.links.get("slip")
    return await commands.add_to(mandate=mandate, id=UUID(under), by=added.by) if under else None


class Unmended(Exception):
    """The sheets cannot take this amount yet."""


@dataclass(frozen=True)
class Sum:
    """One slip's state. `heard` depends on every event and on their order."""

    total: int
    withdrawn: bool
    heard: str


class Sheets(Documents[Sum]):
    """A document for each slip, made of it and of those that belong to it; withdrawn ones are not to be seen."""

    name = "sheets"
    hears = ("records",)

    def __init__(self, *, mended: Callable[[], bool]) -> None:
        self._mended = mended

    def where(self, envelope: Envelope) -> Iterable[str]:
        under = envelope.links.get("slip")
        return (str(envelope.subject), under) if under else (str(envelope.subject),)

    def fold(self, state: Sum | None, contract: Contract) -> Sum:
        known = state or Sum(0, False, "")
        heard = sha256(f"{known.heard} {contract.envelope.id} {contract.envelope.type}".encode()).hexdigest()[:12]
        match contract:
            case SlipAdded(by=by):
                if by == POISON and not self._mended():
                    raise Unmended
                return Sum(known.total + by, known.withdrawn, heard)
            case _:
                return Sum(known.total, isinstance(contract, SlipWithdrawn), heard)

    def render(self, id: str, states: Mapping[str, Sum]) -> Shown | None:
        if id not in states or states[id].withdrawn:
            return None
        return Shown(
            body={"total": sum(one.total for one in states.values()), "heard": [s.heard for s in states.values()]}
        )


class Lines(Journal):
    """A row for each event."""

    name = "lines"
    hears = ("records",)

    def row(self, contract: Contract) -> Shown | None:
        return Shown(body={"event": contract.envelope.id, "type": contract.envelope.type})


REACTIONS = (Reaction(SlipAdded, pass_it_on, action="clinical.amend"),)


def service(*, mended: Callable[[], bool]) -> Service:
    """The slips as a service."""
    return Service(
        name="records",
        title="Slips",
        aggregates=(Slip,),
        publishes=(
            Published(Slip.Written, SlipWritten),
            Published(Slip.Added, SlipAdded),
            Published(Slip.Withdrawn, SlipWithdrawn),
            Published(Slip.Restored, SlipRestored),
        ),
        projections=(Sheets(mended=mended), Lines()),
        reactions=REACTIONS,
        parts=lambda runtime: (Commands(log=runtime.log),),
    )
