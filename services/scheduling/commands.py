"""What can be asked of scheduling: load, ask, save. What is true at this moment is read here too, from the log.

While a command runs it holds the resources whose time it takes or frees, so bookings of one resource queue within a
process; between processes the append decides, and the one that lost asks again and sees the slot taken.
"""

from asyncio import to_thread
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from services.scheduling.domain.appointment import Appointment
from services.scheduling.domain.calendar import Calendar
from services.scheduling.domain.offers import free_slots, offered
from services.scheduling.domain.schedule import Schedule, schedule_id
from services.scheduling.domain.timetable import LONGEST, Slot, Timetable, period
from shared.kernel import Field, Invalid, NotFound, Refused
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate, fresh_id

MOST_DAYS = 62
"""how far the ends of a search for free slots may be apart"""

_CLOCKS = timedelta(hours=2)
"""by how much days may be longer, where clocks are put back"""

Plain = dict[str, Any]


class VisitOfAnother(Refused):
    """The visit is another patient's than the appointment that it names."""


class Commands:
    """One method for each use case."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    # schedules -------------------------------------------------------------------------------------------------------

    async def set_schedule(self, *, mandate: Mandate, resource: str, timetable: Timetable) -> Done:
        """Makes a resource of the caller's organisation bookable, or changes when it is."""
        organization = mandate.actor.organization
        id = schedule_id(organization=organization, resource=resource)

        async def decide(unit: Unit) -> Plain:
            found = await unit.find(Schedule, id)
            if found:
                found.change(timetable=timetable, at=mandate.at)
            else:
                found = Schedule.set(organization=organization, resource=resource, timetable=timetable, at=mandate.at)
                unit.add(found)
            return _schedule(unit, found)

        return await self._log.run(mandate, decide, target=id)

    # appointments ----------------------------------------------------------------------------------------------------

    async def book(
        self,
        *,
        mandate: Mandate,
        patient: UUID,
        schedules: Sequence[UUID],
        start: datetime,
        end: datetime | None = None,
        referral: UUID | None = None,
        reason: str | None = None,
    ) -> Done:
        """Books all the schedules for this time, or none. Without an end: one slot."""
        id = fresh_id()

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            await _check_referral(unit, referral, patient=patient)
            chosen = await _chosen(unit, schedules)
            booked = Appointment.book(
                id=id,
                time=offered(chosen, start=start, end=end),
                schedules=chosen,
                reason=reason,
                at=mandate.at,
                origin=mandate.origin,
            )
            links = {"referral": referral} if referral else {}
            unit.add(booked, patient=patient, links=links, because_of=[referral, patient])
            await _take(unit, booked, chosen)
            return _appointment(unit, booked)

        return await self._log.run(mandate, decide, also=schedules)

    async def reschedule(
        self,
        *,
        mandate: Mandate,
        appointment: UUID,
        start: datetime,
        end: datetime | None = None,
        schedules: Sequence[UUID] = (),
    ) -> Done:
        """Frees the old time and takes the new one, in one append. Without an end: as long as before; without
        schedules: with the same ones.
        """

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Appointment, appointment)
            chosen = await _chosen(unit, schedules or found.schedules)
            time = offered(chosen, start=start, end=end or start + (found.time.end - found.time.start))
            before = await unit.load_all(Calendar, found.calendars)
            found.reschedule(time=time, schedules=chosen, at=mandate.at)
            if found.pending_events:
                _free(before.values(), found, mandate.at)
                await _take(unit, found, chosen)
            return _appointment(unit, found)

        held = {*schedules, *await self._resources_of(mandate, appointment)}
        return await self._log.run(mandate, decide, target=appointment, also=held)

    async def confirm(self, *, mandate: Mandate, appointment: UUID) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.confirm(at=mandate.at))

    async def arrive(self, *, mandate: Mandate, appointment: UUID) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.arrive(at=mandate.at))

    async def check_in(self, *, mandate: Mandate, appointment: UUID) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.check_in(at=mandate.at))

    async def fulfil(self, *, mandate: Mandate, appointment: UUID) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.fulfil(at=mandate.at))

    async def fulfil_by_visit(self, *, mandate: Mandate, appointment: UUID, patient: UUID | None) -> Done:
        """A visit that named it is over. Raises `VisitOfAnother`."""

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Appointment, appointment)
            if unit.birth_of(found).patient != patient:
                raise VisitOfAnother
            found.fulfil(at=mandate.at)
            return _appointment(unit, found)

        return await self._log.run(mandate, decide, target=appointment)

    async def miss(self, *, mandate: Mandate, appointment: UUID) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.miss(at=mandate.at))

    async def reinstate(self, *, mandate: Mandate, appointment: UUID, reason: str) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.reinstate(reason=reason, at=mandate.at))

    async def cancel(self, *, mandate: Mandate, appointment: UUID, reason: str) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.cancel(reason=reason, at=mandate.at))

    async def retract(self, *, mandate: Mandate, appointment: UUID, reason: str) -> Done:
        return await self._ask(mandate, appointment, lambda found: found.retract(reason=reason, at=mandate.at))

    async def _ask(self, mandate: Mandate, appointment: UUID, ask: Callable[[Appointment], None]) -> Done:
        """Asks an appointment; its calendars follow: they have its time as long as it holds it."""

        async def decide(unit: Unit) -> Plain:
            found = await unit.load(Appointment, appointment)
            held = found.holds
            ask(found)
            if held != found.holds:
                days = (await unit.load_all(Calendar, found.calendars)).values()
                _claim(days, found, mandate.at) if found.holds else _free(days, found, mandate.at)
            return _appointment(unit, found)

        return await self._log.run(
            mandate, decide, target=appointment, also=await self._resources_of(mandate, appointment)
        )

    async def _resources_of(self, mandate: Mandate, appointment: UUID) -> Sequence[UUID]:
        """What is to be held while it changes."""
        view = await self._log.view(appointment, actor=mandate.actor, action=mandate.action)
        return view.aggregate.schedules if isinstance(view.aggregate, Appointment) else ()

    # what is true now ------------------------------------------------------------------------------------------------

    async def schedule(self, *, mandate: Mandate, schedule: UUID) -> Done:
        async def decide(unit: Unit) -> Plain:
            return _schedule(unit, await unit.load(Schedule, schedule))

        return await self._log.run(mandate, decide)

    async def appointment(self, *, mandate: Mandate, appointment: UUID) -> Done:
        async def decide(unit: Unit) -> Plain:
            return _appointment(unit, await unit.load(Appointment, appointment))

        return await self._log.run(mandate, decide)

    async def free_slots(
        self, *, mandate: Mandate, schedules: Sequence[UUID], since: date, until: date, limit: int
    ) -> Done:
        """The slots that can be booked of all the schedules at once and begin from `since` up to `until`: instants, or
        days by the clocks of the first schedule, the last one included. Those that have begun are over.
        """

        async def decide(unit: Unit) -> Plain:
            chosen = await _chosen(unit, schedules)
            asked = _checked(period(since, until, zone=chosen[0].timetable.time_zone))
            begins = max(asked.start, mandate.at)
            calendars = await _calendars(unit, chosen, Slot(begins, asked.end + LONGEST))
            found = free_slots(chosen, calendars, since=begins, until=asked.end)
            # Two months of short slots take long enough to keep others waiting.
            slots = await to_thread(list, islice(found, limit + 1))
            first = [{"start": slot.start.isoformat(), "end": slot.end.isoformat()} for slot in slots]
            return {"slots": first[:limit], "next": first[limit]["start"] if len(first) > limit else None}

        return await self._log.run(mandate, decide)


async def _chosen(unit: Unit, ids: Iterable[UUID]) -> Sequence[Schedule]:
    """The schedules, in this order, to be as they are now when the command is stored."""
    wanted = list(ids)
    if len(set(wanted)) < len(wanted):
        raise Invalid(Field("schedules", "must name each schedule once", "unique"))
    found = await unit.load_all(Schedule, wanted)
    if len(found) < len(wanted):
        raise NotFound
    for schedule in found.values():
        unit.demand(schedule)
    return [found[id] for id in wanted]


async def _check_referral(unit: Unit, referral: UUID | None, *, patient: UUID) -> None:
    """It is there, as far as this service has heard, and is about this patient."""
    if referral:
        heard = await unit.heard(referral)
        if heard is None or heard.patient != patient:
            raise NotFound


async def _calendars(unit: Unit, schedules: Iterable[Schedule], time: Slot) -> Mapping[UUID, Calendar]:
    """Those of this time that are open."""
    return await unit.load_all(Calendar, [id for schedule in schedules for id, _ in schedule.calendars(time)])


async def _take(unit: Unit, appointment: Appointment, schedules: Sequence[Schedule]) -> None:
    """Gives it its time on the calendars of these schedules; those that nobody needed before are opened."""
    at = unit.mandate.at
    found = dict(await _calendars(unit, schedules, appointment.time))
    for schedule in schedules:
        for id, day in schedule.calendars(appointment.time):
            if id not in found:
                found[id] = Calendar.open(schedule=schedule.id, day=day, at=at)
                unit.add(found[id])
    _claim(found.values(), appointment, at)


def _claim(calendars: Iterable[Calendar], appointment: Appointment, at: datetime) -> None:
    for calendar in calendars:
        calendar.take(appointment=appointment.id, time=appointment.time, at=at)


def _free(calendars: Iterable[Calendar], appointment: Appointment, at: datetime) -> None:
    for calendar in calendars:
        calendar.free(appointment=appointment.id, at=at)


def _checked(asked: Slot) -> Slot:
    if asked.end <= asked.start:
        raise Invalid(Field("to", "must be after `from`", "range"))
    if asked.end - asked.start > timedelta(days=MOST_DAYS) + _CLOCKS:
        raise Invalid(Field("to", f"must be at most {MOST_DAYS} days after `from`", "range"))
    return asked


def _schedule(unit: Unit, schedule: Schedule) -> Plain:
    timetable = schedule.timetable
    return {
        "id": str(schedule.id),
        "version": schedule.version,
        "resource": schedule.resource,
        "organization": unit.birth_of(schedule).custodian,
        "hours": [window.model_dump() for window in timetable.hours],
        "slot_minutes": timetable.slot_minutes,
        "time_zone": timetable.time_zone,
    }


def _appointment(unit: Unit, appointment: Appointment) -> Plain:
    birth = unit.birth_of(appointment)
    return {
        "id": str(appointment.id),
        "version": appointment.version,
        "status": appointment.status,
        "start": appointment.time.start.isoformat(),
        "end": appointment.time.end.isoformat(),
        "schedules": [str(id) for id in appointment.schedules],
        "resources": list(appointment.resources),
        "time_zone": appointment.time_zone,
        "reason": appointment.reason,
        "confirmed": appointment.confirmed,
        "patient": str(birth.patient),
        "organization": birth.custodian,
        "referral": birth.links.get("referral"),
    }
