"""Whatever is asked and by how many at once: calendars are the active appointments, and no two of those overlap."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from services.scheduling.domain.timetable import local
from shared.kernel import Refused
from tests.unit.scheduling.desk import Desk
from tests.unit.scheduling.known import time, timetable
from tests.unit.scheduling.memory_log import Shelf

EVENING = time("2026-10-24T21:00:00+02:00")
"""before the night in which Berlin's clocks are put back"""
RESOURCES = ("dr-heart", "room-2", "mri")
ZONES = ("Europe/Berlin", "Europe/Berlin", "Australia/Lord_Howe")
CHANGES = ("arrive", "check_in", "fulfil", "miss", "reinstate", "cancel", "retract")

SOME = st.sets(st.sampled_from(range(3)), min_size=1).map(sorted)
WISHES = st.one_of(
    st.tuples(st.just("book"), SOME, st.integers(0, 12), st.integers(1, 4)),
    st.tuples(st.just("reschedule"), st.integers(0, 9), SOME, st.integers(0, 12)),
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 9)),
    st.tuples(st.just("set"), st.integers(0, 2), st.sampled_from(ZONES)),
)


class Clinic:
    """Several processes over one log, and who was booked so far."""

    def __init__(self, processes: int) -> None:
        shelf = Shelf()
        self.desks = [Desk(shelf) for _ in range(processes)]
        self.booked: list[UUID] = []
        self.schedules: list[UUID] = []

    async def open(self) -> None:
        for resource, zone in zip(RESOURCES, ZONES, strict=True):
            self.schedules.append(await self._set(self.desks[0], resource, zone))

    async def do(self, number: int, wish: Any) -> None:
        desk = self.desks[number % len(self.desks)]
        try:
            match wish:
                case ("book", which, hour, hours):
                    start = EVENING + timedelta(hours=hour)
                    done = await desk.book(
                        [self.schedules[n] for n in which], start, end=start + timedelta(hours=hours)
                    )
                    self.booked.append(UUID(done.answer["id"]))
                case ("set", which, zone):
                    await self._set(desk, RESOURCES[which], zone)
                case ("reschedule", number, which, hour) if self.booked:
                    schedules = [self.schedules[n] for n in which]
                    start = EVENING + timedelta(hours=hour)
                    await desk.ask("reschedule", self._one(number), start=start, schedules=schedules)
                case (change, number) if self.booked:
                    await desk.ask(change, self._one(number))
                case _:
                    pass
        except Refused:
            pass

    async def _set(self, desk: Desk, resource: str, zone: str) -> UUID:
        return await desk.set(resource, timetable(zone=zone, minutes=30, opens="00:00", closes="00:00"))

    def _one(self, number: int) -> UUID:
        return self.booked[number % len(self.booked)]

    def check(self) -> None:
        calendars, appointments = self.desks[0].calendars(), self.desks[0].appointments()
        for calendar in calendars.values():
            assert all(one.end <= two.start for one, two in pairwise(calendar.claims))
        claimed = {(c.id, claim.appointment, claim.start, claim.end) for c in calendars.values() for claim in c.claims}
        active = [one for one in appointments.values() if one.holds]
        assert claimed == {(id, one.id, one.time.start, one.time.end) for one in active for id in one.calendars}
        for one in active:
            others = [two for two in active if two.id != one.id and {*two.schedules} & {*one.schedules}]
            assert not any(two.time.start < one.time.end and one.time.start < two.time.end for two in others)
            assert one.time.start == local(one.time.start, zone=one.time_zone)


@settings(deadline=None, max_examples=40)
@examples(wishes=st.lists(WISHES, max_size=25))
def test_after_every_wish(wishes: list[Any]) -> None:
    async def live() -> None:
        clinic = Clinic(1)
        await clinic.open()
        for number, wish in enumerate(wishes):
            await clinic.do(number, wish)
            clinic.check()

    asyncio.run(live())


@settings(deadline=None, max_examples=40)
@examples(batches=st.lists(st.lists(WISHES, max_size=8), max_size=5), processes=st.integers(1, 3))
def test_however_many_ask_at_once(batches: list[list[Any]], processes: int) -> None:
    async def live() -> None:
        clinic = Clinic(processes)
        await clinic.open()
        for batch in batches:
            await asyncio.gather(*(clinic.do(number, wish) for number, wish in enumerate(batch)))
            clinic.check()

    asyncio.run(live())
