"""One command's unit of work: what it loads, what it adds, what it demands; then one append of all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from shared.kernel import Aggregate, EventId, NotFound, OrganizationId, Stale, TooLarge
from shared.runtime.log.mapper import EventMapper
from shared.runtime.log.rows import Append, Birth, NewEvent, Stored, Timer, Why
from shared.runtime.mandate import Changed, Done, Mandate
from shared.runtime.nearness import Heard
from shared.runtime.policy import Facts, decide
from shared.runtime.telemetry import current_traceparent

if TYPE_CHECKING:
    from shared.runtime.log.log import Log

A = TypeVar("A", bound=Aggregate)
_BREATH = 100
"""parts of a large command after which it lets others go on"""
EVENT_LIMIT = 1_000_000
"""bytes of one event's payload: what a topic takes (1 MB), less its envelope"""


class Unit:
    """Load, ask, add. Nothing is stored before the command's function has returned."""

    def __init__(self, *, log: Log, mandate: Mandate, target: UUID | None) -> None:
        self.mandate = mandate
        self._log = log
        self._target = target
        self._held: dict[UUID, tuple[Aggregate, Birth]] = {}
        self._newest: dict[UUID, tuple[EventId, UUID]] = {}
        self._missing: set[UUID] = set()
        self._needed: dict[UUID, int] = {}
        self._timers: list[Timer] = []
        self._named: list[UUID] = []
        self._breaths = 0

    # load ------------------------------------------------------------------------------------------------------------

    async def load(self, kind: type[A], id: UUID, *, action: str | None = None) -> A:
        """The aggregate as it is now. Raises `NotFound` (missing, of another kind, or not the caller's to know),
        `Denied`, and `Stale` where `If-Match` says another version of the target.
        """
        found = await self.load_all(kind, [id], action=action)
        if id not in found:
            raise NotFound
        return found[id]

    async def find(self, kind: type[A], id: UUID, *, action: str | None = None) -> A | None:
        """As `load`; None where there is no such aggregate yet (and `Stale` where `If-Match` names a version of it)."""
        found = await self.load_all(kind, [id], action=action)
        if id not in found and id == self._target and self.mandate.expected is not None:
            raise Stale
        return found.get(id)

    async def load_all(
        self, kind: type[A], ids: Iterable[UUID], *, action: str | None = None, judged: bool = True
    ) -> dict[UUID, A]:
        """Several in one read; those that do not exist are left out. Raises as `load` for those that do.

        `judged` false: for what only keeps order and is shown to nobody (who bears an identifier).
        """
        wanted = list(dict.fromkeys(ids))
        asked = [id for id in wanted if id not in self._held and id not in self._missing]
        loaded = await self._log.load(kind, asked)
        for id, one in loaded.items():
            self._held[id] = (one.aggregate, one.birth)
            self._newest[id] = (one.last, one.correlation)
        self._missing.update(id for id in asked if id not in loaded)
        found = {id: self._held[id] for id in wanted if id in self._held}
        if not judged:
            return {id: cast(A, aggregate) for id, (aggregate, _) in found.items()}
        return {id: await self._judged(kind, *held, action=action) for id, held in found.items()}

    async def _judged(self, kind: type[A], aggregate: Aggregate, birth: Birth, *, action: str | None) -> A:
        if not isinstance(aggregate, kind):
            raise NotFound
        await self.judge(aggregate, birth, action=action)
        if aggregate.id == self._target and self.mandate.expected not in (None, aggregate.version):
            raise Stale
        return aggregate

    async def judge(self, aggregate: Aggregate, birth: Birth, *, action: str | None = None) -> None:
        """Asks the policy about one thing."""
        await self.may(action=action, custodian=birth.custodian, patient=birth.patient, parties=aggregate.parties)

    async def may(
        self,
        *,
        action: str | None = None,
        custodian: str | None = None,
        patient: UUID | None = None,
        parties: frozenset[OrganizationId] = frozenset(),
    ) -> None:
        """Asks the policy whether the mandate's actor may act here. Raises `Denied` or `NotFound`."""
        actor = self.mandate.actor
        near = custodian == actor.organization or patient is None
        related = not near and await self._log.nearness.related(
            organization=actor.organization, patient=cast(UUID, patient)
        )
        facts = Facts(custodian=cast(Any, custodian), patient=patient, parties=parties, related=related)
        decide(actor, action or self.mandate.action, facts)

    # ask -------------------------------------------------------------------------------------------------------------

    def add(
        self,
        aggregate: Aggregate,
        *,
        patient: UUID | None = None,
        links: Mapping[str, UUID] | None = None,
        because_of: Iterable[UUID | None] = (),
    ) -> None:
        """A new aggregate. `patient` makes its key; `links` are what it belongs to for ever.

        `because_of`: the aggregates it names, most telling first; the last event of the first that is known is its
        cause, where the caller names none.
        """
        named = {name: str(id) for name, id in (links or {}).items()}
        birth = Birth(
            key=patient or aggregate.id, patient=patient, custodian=self.mandate.actor.organization, links=named
        )
        self._held[aggregate.id] = (aggregate, birth)
        self._named += [id for id in because_of if id is not None]

    def demand(self, aggregate: Aggregate) -> None:
        """It must still be at this version when the command is stored."""
        self._needed[aggregate.id] = aggregate.version

    def wake(self, aggregate: UUID, *, command: str, at: datetime | None) -> None:
        """Sets the aggregate's timer for this command, or takes it back (`at` None)."""
        self._timers.append(Timer(aggregate, command, at))

    async def breathe(self) -> None:
        """Lets others go on now and then: said between the parts of a command that has thousands."""
        self._breaths += 1
        if self._breaths % _BREATH == 0:
            await asyncio.sleep(0)

    async def births(self, ids: Iterable[UUID]) -> dict[UUID, Stored]:
        """The first events of others that are named here; not judged."""
        return await self._log.births(ids)

    async def heard(self, id: UUID) -> Heard | None:
        """What this service knows of another service's aggregate; None: nothing yet."""
        return await self._log.nearness.heard(id)

    def birth_of(self, aggregate: Aggregate) -> Birth:
        """Whose the aggregate is, and what it belongs to."""
        return self._held[aggregate.id][1]

    # save ------------------------------------------------------------------------------------------------------------

    @property
    def changed(self) -> tuple[Changed, ...]:
        return tuple(
            Changed(type(aggregate).TOPIC, id, aggregate.version)
            for id, (aggregate, _) in self._held.items()
            if aggregate.pending_events
        )

    async def append(self, done: Done) -> Append | None:
        """What is to be stored; None where nothing changed and nothing has to be remembered."""
        changed = [(a, birth) for a, birth in self._held.values() if a.pending_events]
        if not (changed or self._timers or self.mandate.keyed):
            return None
        events = []
        for aggregate, birth in changed:
            events += [self._new(event, birth) for event in aggregate.pending_events]
            await self.breathe()
        before = {a.id: a.version - len(a.pending_events) for a, _ in changed}
        needed = {**self._needed, **{id: version for id, version in before.items() if version > 0}}
        return Append(
            why=await self.why(),
            events=events,
            needed=tuple(needed.items()),
            timers=tuple(self._timers),
            fingerprint=self.mandate.fingerprint,
            answer=done.pack() if self.mandate.keyed else None,
        )

    def saved(self) -> None:
        """The pending events are in the log now."""
        for aggregate, _ in self._held.values():
            aggregate.pending_events.clear()

    def _new(self, event: Any, birth: Birth) -> NewEvent:
        stored = self._log.mapper.to_stored_event(event)
        if len(stored.state) > EVENT_LIMIT:
            raise TooLarge(f"One event may hold {EVENT_LIMIT} bytes.")
        return NewEvent(
            aggregate=event.originator_id,
            version=event.originator_version,
            name=stored.topic,
            topic=stored.topic.split(".", 1)[0],
            occurred_at=event.timestamp,
            birth=birth,
            state=stored.state,
        )

    async def why(self) -> Why:
        """Who, when and why: the actor and the cause, for all events of the command."""
        cause, correlation = await self._cause()
        mandate = self.mandate
        return Why(
            command=mandate.command,
            actor=mandate.actor.subject,
            role=mandate.actor.role,
            organization=mandate.actor.organization,
            purpose=mandate.actor.purpose,
            origin=mandate.origin,
            correlation=correlation or mandate.command,
            causation=cause,
            trace=current_traceparent(),
        )

    async def _cause(self) -> tuple[EventId | None, UUID | None]:
        """The event this answers, and its story: what the mandate names, else the target's last, else that of the
        first known thing it names (design: why, in ids).
        """
        if self.mandate.cause:
            named = UUID(self.mandate.cause.rsplit(".", 1)[0])
            known = None if self.mandate.correlation else await self._first_known([named, *self._lineage()])
            return self.mandate.cause, self.mandate.correlation or (known and known[1])
        return await self._first_known(self._lineage()) or (None, None)

    async def _first_known(self, ids: Iterable[UUID]) -> tuple[EventId, UUID] | None:
        """Not everything that may be a cause is followed here; what comes next in line belongs to the same story."""
        line = list(ids)
        if not line or line[0] in self._newest:
            return self._newest[line[0]] if line else None
        stored = await self._log.newest(id for id in line if id not in self._newest)
        known = {**self._newest, **{id: (last.id, last.correlation) for id, last in stored.items()}}
        for id in line:
            if id in known:
                return known[id]
            if heard := await self._log.nearness.heard(id):
                return heard.last, heard.correlation
        return None

    def _lineage(self) -> list[UUID]:
        """The aggregates that this command's cause may be the last event of, nearest first.

        What is born follows from what it names alone: what else the command changes (a day's calendar) may have been
        changed last in somebody else's story.
        """
        target = [self._target] if self._target and self._target in self._newest else []
        born = self._held.keys() - self._newest.keys()
        loaded = [] if born else [id for id in self._newest if self._held[id][0].pending_events]
        return [*target, *self._named, *loaded]


def replay(mapper: EventMapper, stream: Iterable[Stored]) -> Aggregate:
    """The aggregate that these events make."""
    aggregate: Any = None
    for stored in stream:
        aggregate = mapper.event(stored.aggregate, stored.version, stored.name, stored.state).mutate(aggregate)
    return cast(Aggregate, aggregate)
