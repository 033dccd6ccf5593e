"""A desk that books: the service's commands over a log in memory, said as a scheduler of the heart centre would."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.scheduling.commands import Commands
from services.scheduling.domain.appointment import Appointment
from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.timetable import Timetable
from shared.kernel import Actor, EventId, OrganizationId, named_id
from shared.runtime.log.unit import replay
from shared.runtime.mandate import Done, Mandate
from shared.runtime.nearness import Heard
from tests.unit.scheduling.known import ANN, BOB, HEART, NOW, REFERRAL
from tests.unit.scheduling.memory_log import MemoryLog, Shelf

STORY = named_id("story")


class Neighbours:
    """The heart centre cares for Ann and Bob; Ann has a referral."""

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return organization == HEART and patient in (ANN, BOB)

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return (str(ANN), str(BOB)) if organization == HEART else ()

    async def heard(self, aggregate: UUID) -> Heard | None:
        if aggregate != REFERRAL:
            return None
        return Heard(last=EventId(f"{REFERRAL}.3"), correlation=STORY, patient=ANN, near=frozenset({HEART}))


class Desk:
    """One process of the service. `shelf`: what it shares with others."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.log = MemoryLog(shelf=shelf or Shelf(), nearness=Neighbours())
        self.commands = Commands(log=self.log)

    async def set(self, resource: str, timetable: Timetable, **who: Any) -> UUID:
        done = await self.commands.set_schedule(
            mandate=mandate("schedule.manage", **who), resource=resource, timetable=timetable
        )
        return UUID(done.answer["id"])

    async def book(self, schedules: Collection[UUID], start: datetime, **wish: Any) -> Done:
        who = {name: wish.pop(name) for name in list(wish) if name in _WHO}
        return await self.commands.book(
            mandate=mandate("appointment.book", **who),
            schedules=list(schedules),
            start=start,
            **{"patient": ANN, **wish},
        )

    async def ask(self, wish: str, appointment: UUID, **facts: Any) -> Done:
        """`arrive`, `cancel`, `reschedule` and so on; those that need a reason are given one."""
        who = {name: facts.pop(name) for name in list(facts) if name in _WHO}
        reason = {"reason": "So it is."} if wish in ("cancel", "retract", "reinstate") else {}
        command = getattr(self.commands, wish)
        done: Done = await command(
            mandate=mandate("appointment.change", **who), appointment=appointment, **reason, **facts
        )
        return done

    def calendars(self) -> Mapping[UUID, Calendar]:
        return {id: made for id, made in self._all().items() if isinstance(made, Calendar)}

    def appointments(self) -> Mapping[UUID, Appointment]:
        return {id: made for id, made in self._all().items() if isinstance(made, Appointment)}

    def _all(self) -> dict[UUID, Any]:
        streams: dict[UUID, list[Any]] = {}
        for stored in self.log.shelf.events:
            streams.setdefault(stored.aggregate, []).append(stored)
        return {id: replay(self.log.mapper, stream) for id, stream in streams.items()}


_WHO = ("organization", "role", "at", "expected", "command", "keyed", "origin", "fingerprint")


def mandate(action: str, *, organization: OrganizationId = HEART, role: Any = "scheduler", **more: Any) -> Mandate:
    actor = Actor(subject="sam", role=role, organization=organization)
    return Mandate(**{"actor": actor, "action": action, "at": NOW, **more})
