"""Scheduling's doors: schedules, free slots and appointments. A schedule is named by its resource or by its id."""

import re
from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from services.scheduling.commands import Commands
from services.scheduling.domain.appointment import Status
from services.scheduling.domain.schedule import schedule_id
from services.scheduling.domain.timetable import Timetable, Weekday, Window
from services.scheduling.queries import Queries
from shared.kernel import Actor
from shared.runtime.http.doors import WaitFor, doors, may, reads, reply, the, told
from shared.runtime.http.wishes import Day, DayOrInstant, Instant, Limit, Wish
from shared.runtime.mandate import Mandate
from shared.runtime.reading import Page

router = doors(tag="scheduling")

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def _no_id(resource: str) -> str:
    """A resource that is called like an id could not be told from one."""
    if _ID.fullmatch(resource):
        raise PydanticCustomError("name", "an id is no name")
    return resource


Do = Annotated[Commands, the(Commands)]
Ask = Annotated[Queries, the(Queries)]
Booking = Annotated[Mandate, may("appointment.book")]
Changing = Annotated[Mandate, may("appointment.change")]
Named = Annotated[str, Field(pattern=_NAME)]
"""a resource of the caller's organisation by its name, or any schedule by its id"""
Resource = Annotated[str, Path(pattern=_NAME), AfterValidator(_no_id)]
Together = Annotated[list[Named], Field(min_length=1, max_length=8)]
Clock = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class Hours(Wish):
    """Open on one day of each week. What closes at the hour it opens, or before, closes on the day after."""

    day: Weekday
    opens: Clock = Field(examples=["09:00"])
    closes: Clock = Field(examples=["17:00"])


class SetSchedule(Wish):
    """When a resource can be booked, by the clocks of its time zone; no hours: not at all."""

    hours: list[Hours] = Field(max_length=50)
    slot_minutes: int = Field(ge=5, le=480, examples=[30])
    time_zone: str = Field(min_length=1, max_length=64, examples=["Europe/Berlin"])

    @property
    def timetable(self) -> Timetable:
        return Timetable(tuple(Window(**one.model_dump()) for one in self.hours), self.slot_minutes, self.time_zone)


class Book(Wish):
    """A time of all these schedules for a patient, or of none. Without an end: one slot."""

    patient: UUID
    schedules: Together = Field(examples=[["dr-heart", "room-2"]])
    start: Instant = Field(examples=["2026-03-02T09:00:00+01:00"])
    end: Instant | None = None
    referral: UUID | None = None
    reason: Words | None = None


class Reschedule(Wish):
    """Another time. Without an end: as long as before; without schedules: with the same ones."""

    start: Instant = Field(examples=["2026-03-03T09:00:00+01:00"])
    end: Instant | None = None
    schedules: Together | None = None


class Because(Wish):
    """Why, in words."""

    reason: Words


@router.put("/schedules/{resource}")
async def set_schedule(
    resource: Resource, wish: SetSchedule, commands: Do, mandate: Annotated[Mandate, may("schedule.manage")]
) -> Response:
    done = await commands.set_schedule(mandate=mandate, resource=resource, timetable=wish.timetable)
    return reply(done, status=201 if done.answer["version"] == 1 and done.changed else 200)


@router.get("/schedules/{resource}")
async def schedule(
    resource: Annotated[str, Path(pattern=_NAME)], commands: Do, actor: Annotated[Actor, reads("schedule.read")]
) -> Response:
    mandate = Mandate(actor=actor, action="schedule.read")
    return told(await commands.schedule(mandate=mandate, schedule=_schedule(actor, resource)))


@router.get("/slots")
async def slots(
    commands: Do,
    actor: Annotated[Actor, reads("schedule.read")],
    schedule: Annotated[Together, Query()],
    since: Annotated[DayOrInstant, Query(alias="from")],
    until: Annotated[DayOrInstant, Query(alias="to", description="An instant, or a day: up to its end.")],
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Any:
    """What is free of all the schedules at once; `next` is the `from` of those after the last one shown."""
    done = await commands.free_slots(
        mandate=Mandate(actor=actor, action="schedule.read"),
        schedules=_schedules(actor, schedule),
        since=since,
        until=until,
        limit=limit,
    )
    return done.answer


@router.post("/appointments", status_code=201)
async def book(wish: Book, commands: Do, mandate: Booking) -> Response:
    done = await commands.book(
        mandate=mandate,
        patient=wish.patient,
        schedules=_schedules(mandate.actor, wish.schedules),
        start=wish.start,
        end=wish.end,
        referral=wish.referral,
        reason=wish.reason,
    )
    return reply(done, status=201, location="/appointments/{id}")


@router.get("/appointments")
async def appointments(
    queries: Ask,
    actor: Annotated[Actor, reads("appointment.read")],
    wait_for: WaitFor,
    patient: UUID | None = None,
    day: Annotated[Day | None, Query(alias="date", description="A day by the clocks of the place.")] = None,
    schedule: Named | None = None,
    status: Annotated[list[Status] | None, Query()] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page:
    return await queries.appointments(
        actor=actor,
        patient=patient,
        day=day,
        schedule=_schedule(actor, schedule) if schedule else None,
        statuses=status or (),
        cursor=cursor,
        limit=limit,
        wait_for=wait_for,
    )


@router.get("/appointments/{id}")
async def appointment(id: UUID, commands: Do, actor: Annotated[Actor, reads("appointment.read")]) -> Response:
    mandate = Mandate(actor=actor, action="appointment.read")
    return told(await commands.appointment(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/confirm")
async def confirm(id: UUID, commands: Do, mandate: Changing) -> Response:
    """The patient says that they will come at this time."""
    return reply(await commands.confirm(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/arrive")
async def arrive(id: UUID, commands: Do, mandate: Changing) -> Response:
    return reply(await commands.arrive(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/check-in")
async def check_in(id: UUID, commands: Do, mandate: Changing) -> Response:
    return reply(await commands.check_in(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/fulfil")
async def fulfil(id: UUID, commands: Do, mandate: Changing) -> Response:
    return reply(await commands.fulfil(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/no-show")
async def no_show(id: UUID, commands: Do, mandate: Changing) -> Response:
    return reply(await commands.miss(mandate=mandate, appointment=id))


@router.post("/appointments/{id}/reinstate")
async def reinstate(id: UUID, wish: Because, commands: Do, mandate: Changing) -> Response:
    """A correction: it had been called a no-show by mistake."""
    return reply(await commands.reinstate(mandate=mandate, appointment=id, reason=wish.reason))


@router.post("/appointments/{id}/cancel")
async def cancel(id: UUID, wish: Because, commands: Do, mandate: Changing) -> Response:
    return reply(await commands.cancel(mandate=mandate, appointment=id, reason=wish.reason))


@router.post("/appointments/{id}/reschedule")
async def reschedule(id: UUID, wish: Reschedule, commands: Do, mandate: Changing) -> Response:
    done = await commands.reschedule(
        mandate=mandate,
        appointment=id,
        start=wish.start,
        end=wish.end,
        schedules=_schedules(mandate.actor, wish.schedules or ()),
    )
    return reply(done)


@router.post("/appointments/{id}/retract")
async def retract(id: UUID, wish: Because, commands: Do, mandate: Changing) -> Response:
    """It should never have been recorded."""
    return reply(await commands.retract(mandate=mandate, appointment=id, reason=wish.reason))


def _schedule(actor: Actor, named: str) -> UUID:
    if _ID.fullmatch(named):
        return UUID(named)
    return schedule_id(organization=actor.organization, resource=named)


def _schedules(actor: Actor, named: Iterable[str]) -> list[UUID]:
    return [_schedule(actor, one) for one in named]
