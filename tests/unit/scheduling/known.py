"""A heart centre with a cardiologist, a room and its patients; times are written as clocks show them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.scheduling.domain.appointment import Appointment
from services.scheduling.domain.schedule import Schedule
from services.scheduling.domain.timetable import WEEKDAYS, Slot, Timetable, Window
from shared.kernel import OrganizationId
from tests.support.scenario import SOME_ID, Said, said

HEART = OrganizationId("heart-centre")
NORTH = OrganizationId("north-clinic")
ANN = UUID("00000000-0000-7000-8000-0000000000a0")
BOB = UUID("00000000-0000-7000-8000-0000000000b0")
REFERRAL = UUID("00000000-0000-7000-8000-0000000000c0")
VISIT = UUID("00000000-0000-7000-8000-00000000000a")
OTHER_VISIT = UUID("00000000-0000-7000-8000-00000000000b")

NOW = datetime(2026, 2, 27, 12, 0, tzinfo=UTC)


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def slot(start: str, end: str) -> Slot:
    return Slot(time(start), time(end))


def hours(opens: str, closes: str, *days: Any) -> tuple[Window, ...]:
    return tuple(Window(day=day, opens=opens, closes=closes) for day in days or WEEKDAYS)


def timetable(
    *, zone: str = "Europe/Berlin", minutes: int = 30, opens: str = "09:00", closes: str = "17:00"
) -> Timetable:
    """Open at these hours on every day."""
    return Timetable(hours(opens, closes), minutes, zone)


def schedule(resource: str = "dr-heart", **hours: Any) -> Schedule:
    return Schedule.set(organization=HEART, resource=resource, timetable=timetable(**hours), at=NOW)


NINE = slot("2026-03-02T09:00:00+01:00", "2026-03-02T09:30:00+01:00")
TEN = slot("2026-03-02T10:00:00+01:00", "2026-03-02T10:30:00+01:00")
QUARTER_PAST = slot("2026-03-02T09:15:00+01:00", "2026-03-02T09:45:00+01:00")

BOOKED: Said = said(
    Appointment.Booked,
    start=NINE.start,
    end=NINE.end,
    schedules=(SOME_ID,),
    resources=("dr-heart",),
    calendars=(VISIT,),
    time_zone="Europe/Berlin",
)
