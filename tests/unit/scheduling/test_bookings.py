"""What is asked of scheduling, through its commands: all the schedules or none, and nothing twice."""

import asyncio
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from services.scheduling.commands import VisitOfAnother
from services.scheduling.domain.appointment import NotCheckedIn, Past
from services.scheduling.domain.calendar import SlotTaken
from services.scheduling.domain.offers import NoSuchSlot
from shared.kernel import CarelogError, Denied, Invalid, NotFound, Refused, Stale
from shared.runtime.mandate import Done
from tests.unit.scheduling.desk import STORY, Desk, mandate
from tests.unit.scheduling.known import ANN, BOB, HEART, NINE, NORTH, NOW, QUARTER_PAST, REFERRAL, TEN, timetable
from tests.unit.scheduling.memory_log import Shelf

OFFICE = timetable()
MONDAY = date(2026, 3, 2)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def doctor(desk: Desk) -> UUID:
    return await desk.set("dr-heart", OFFICE)


@pytest.fixture
async def room(desk: Desk) -> UUID:
    return await desk.set("room-2", OFFICE)


async def free(desk: Desk, *schedules: UUID, day: date = MONDAY) -> int:
    done = await desk.commands.free_slots(
        mandate=mandate("schedule.read"), schedules=schedules, since=day, until=day, limit=100
    )
    return len(done.answer["slots"])


def told(done: Done, *names: str) -> list[object]:
    return [done.answer[name] for name in names]


def which(done: Done) -> UUID:
    return UUID(done.answer["id"])


async def test_a_booking_takes_all_its_resources_in_one_append(desk: Desk, doctor: UUID, room: UUID) -> None:
    done = await desk.book([doctor, room], NINE.start, reason="Chest pain")

    assert [one.type for one in done.changed] == ["scheduling.appointment", *["scheduling.calendar"] * 2]
    assert told(done, "status", "start", "end", "resources", "reason", "patient", "organization") == [
        "booked", "2026-03-02T09:00:00+01:00", "2026-03-02T09:30:00+01:00", ["dr-heart", "room-2"], "Chest pain",
        str(ANN), HEART,
    ]  # fmt: skip
    assert {stored.command for stored in desk.log.shelf.events[2:]} == {desk.log.shelf.events[-1].command}


async def test_where_one_of_the_resources_is_taken_none_is(desk: Desk, doctor: UUID, room: UUID) -> None:
    await desk.book([room], NINE.start)
    before = len(desk.log.shelf.events)

    with pytest.raises(SlotTaken):
        await desk.book([doctor, room], NINE.start, patient=BOB)
    assert len(desk.log.shelf.events) == before
    assert await free(desk, doctor) == 16


async def test_an_appointment_knows_the_referral_that_wanted_it(desk: Desk, doctor: UUID) -> None:
    done = await desk.book([doctor], NINE.start, referral=REFERRAL)
    booked = next(stored for stored in desk.log.shelf.events if stored.aggregate == which(done))

    assert done.answer["referral"] == str(REFERRAL)
    assert (booked.links, booked.causation, booked.correlation) == (
        f'{{"referral":"{REFERRAL}"}}',
        f"{REFERRAL}.3",
        STORY,
    )


async def test_calendars_have_their_own_key_and_no_patient(desk: Desk, doctor: UUID) -> None:
    await desk.book([doctor], NINE.start)

    for stored in desk.log.shelf.events:
        if stored.name.startswith("scheduling.calendar"):
            assert (stored.key, stored.patient) == (stored.aggregate, None)


@pytest.mark.parametrize("referral", [UUID(int=404), ANN])
async def test_a_referral_that_nobody_has_heard_of_is_not_found(desk: Desk, doctor: UUID, referral: UUID) -> None:
    with pytest.raises(NotFound):
        await desk.book([doctor], NINE.start, referral=referral)


async def test_a_referral_of_another_patient_is_not_found(desk: Desk, doctor: UUID) -> None:
    with pytest.raises(NotFound):
        await desk.book([doctor], NINE.start, patient=BOB, referral=REFERRAL)


async def test_a_patient_whom_the_organisation_does_not_care_for_is_not_found(desk: Desk, doctor: UUID) -> None:
    with pytest.raises(NotFound):
        await desk.book([doctor], NINE.start, patient=uuid4())


async def test_the_schedule_of_another_organisation_is_not_found(desk: Desk, doctor: UUID) -> None:
    theirs = await desk.set("dr-north", OFFICE, organization=NORTH)

    for missing in (theirs, uuid4()):
        with pytest.raises(NotFound):
            await desk.book([doctor, missing], NINE.start)


async def test_a_calendar_or_an_appointment_is_no_schedule(desk: Desk, doctor: UUID) -> None:
    done = await desk.book([doctor], NINE.start)

    for changed in done.changed:
        with pytest.raises(NotFound):
            await desk.book([changed.id], TEN.start)


async def test_one_schedule_is_not_named_twice(desk: Desk, doctor: UUID) -> None:
    with pytest.raises(Invalid):
        await desk.book([doctor, doctor], NINE.start)


async def test_the_roles_of_the_bill_do_not_book(desk: Desk, doctor: UUID) -> None:
    with pytest.raises(Denied):
        await desk.book([doctor], NINE.start, role="biller")


async def test_a_time_beside_the_slots_or_in_the_past_is_refused(desk: Desk, doctor: UUID) -> None:
    with pytest.raises(NoSuchSlot):
        await desk.book([doctor], QUARTER_PAST.start)
    with pytest.raises(Past):
        await desk.book([doctor], NINE.start - timedelta(days=7))
    await desk.book([doctor], NINE.start - timedelta(days=7), origin="history")
    assert len(desk.appointments()) == 1


async def test_a_moved_appointment_frees_its_old_time_and_takes_its_new_one_at_once(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    before = len(desk.log.shelf.events)
    moved = await desk.ask("reschedule", which(booked), start=TEN.start)

    assert [stored.name for stored in desk.log.shelf.events[before:]] == [
        "scheduling.appointment.rescheduled", "scheduling.calendar.freed", "scheduling.calendar.taken",
    ]  # fmt: skip
    assert told(moved, "status", "start") == ["booked", "2026-03-02T10:00:00+01:00"]
    assert await free(desk, doctor) == 15


async def test_an_appointment_is_moved_into_a_time_that_overlaps_its_own(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start, end=NINE.start + timedelta(hours=2))
    moved = await desk.ask("reschedule", which(booked), start=TEN.start)

    assert moved.answer["end"] == "2026-03-02T12:00:00+01:00"


async def test_an_appointment_is_moved_to_other_resources_and_another_day(desk: Desk, doctor: UUID, room: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    moved = await desk.ask("reschedule", which(booked), start=TEN.start + timedelta(days=1), schedules=[room])

    assert moved.answer["resources"] == ["room-2"]
    assert await free(desk, doctor) == 16
    assert await free(desk, room, day=date(2026, 3, 3)) == 15


async def test_an_appointment_that_cannot_be_moved_stays_where_it_is(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    await desk.book([doctor], TEN.start, patient=BOB)

    with pytest.raises(SlotTaken):
        await desk.ask("reschedule", which(booked), start=TEN.start)
    assert await free(desk, doctor) == 14


async def test_moved_to_where_it_is_nothing_happens(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)

    assert (await desk.ask("reschedule", which(booked), start=NINE.start)).changed == ()


@pytest.mark.parametrize("wish", ["cancel", "miss", "retract"])
async def test_what_will_not_take_place_frees_its_time(desk: Desk, doctor: UUID, room: UUID, wish: str) -> None:
    booked = await desk.book([doctor, room], NINE.start)
    await desk.ask(wish, which(booked))

    assert await free(desk, doctor, room) == 16


async def test_a_retracted_one_that_was_cancelled_frees_nothing_twice(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    await desk.ask("cancel", which(booked))
    await desk.book([doctor], NINE.start, patient=BOB)
    await desk.ask("retract", which(booked))

    assert await free(desk, doctor) == 15


async def test_one_that_was_not_missed_after_all_takes_its_time_again(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    await desk.ask("miss", which(booked))
    await desk.ask("reinstate", which(booked), at=NINE.end)

    assert await free(desk, doctor) == 15


async def test_one_whose_time_was_given_to_somebody_else_stays_missed(desk: Desk, doctor: UUID) -> None:
    booked = await desk.book([doctor], NINE.start)
    await desk.ask("miss", which(booked))
    await desk.book([doctor], NINE.start, patient=BOB)

    with pytest.raises(SlotTaken):
        await desk.ask("reinstate", which(booked))


async def test_one_goes_its_way_to_the_end(desk: Desk, doctor: UUID) -> None:
    booked = which(await desk.book([doctor], NINE.start))
    went = [(await desk.ask(wish, booked)).answer["status"] for wish in ("arrive", "check_in", "fulfil")]

    assert went == ["arrived", "checked-in", "fulfilled"]
    with pytest.raises(Refused):
        await desk.ask("cancel", booked)


async def test_a_visit_that_is_over_fulfils_its_appointment_and_no_one_elses(desk: Desk, doctor: UUID) -> None:
    booked = which(await desk.book([doctor], NINE.start))
    system = mandate("appointment.change", role="system")
    with pytest.raises(NotCheckedIn):
        await desk.commands.fulfil_by_visit(mandate=system, appointment=booked, patient=ANN)
    await desk.ask("arrive", booked)
    await desk.ask("check_in", booked)
    with pytest.raises(VisitOfAnother):
        await desk.commands.fulfil_by_visit(mandate=system, appointment=booked, patient=BOB)

    done = await desk.commands.fulfil_by_visit(mandate=system, appointment=booked, patient=ANN)
    assert done.answer["status"] == "fulfilled"


async def test_another_organisation_does_not_change_an_appointment(desk: Desk, doctor: UUID) -> None:
    booked = which(await desk.book([doctor], NINE.start))

    for wish in ("arrive", "cancel"):
        with pytest.raises(NotFound):
            await desk.ask(wish, booked, organization=NORTH)
        with pytest.raises(NotFound):
            await desk.ask(wish, uuid4())


async def test_a_change_of_a_version_that_is_not_the_last_is_stale(desk: Desk, doctor: UUID) -> None:
    booked = which(await desk.book([doctor], NINE.start))
    await desk.ask("reschedule", booked, start=TEN.start, expected=1)

    with pytest.raises(Stale):
        await desk.ask("cancel", booked, expected=1)


async def test_the_same_command_twice_books_once(desk: Desk, doctor: UUID) -> None:
    said = {"command": uuid4(), "keyed": True}
    first = await desk.book([doctor], NINE.start, **said)
    again = await desk.book([doctor], NINE.start, **said)

    assert again.answer == first.answer
    assert len(desk.appointments()) == 1


@pytest.mark.parametrize("processes", [1, 3])
async def test_of_many_who_book_the_same_slot_at_once_one_wins(processes: int) -> None:
    shelf = Shelf()
    desks = [Desk(shelf) for _ in range(processes)]
    doctor, room = [await desks[0].set(resource, OFFICE) for resource in ("dr-heart", "room-2")]

    async def book(number: int) -> type[CarelogError] | None:
        try:
            await desks[number % processes].book([doctor, room], NINE.start, patient=(ANN, BOB)[number % 2])
        except CarelogError as refused:
            return type(refused)
        return None

    outcomes = await asyncio.gather(*(book(number) for number in range(60)))

    assert outcomes.count(None) == 1
    assert outcomes.count(SlotTaken) == 59


async def test_hours_that_change_while_somebody_books_are_asked_again() -> None:
    shelf = Shelf()
    here, there = Desk(shelf), Desk(shelf)
    doctor = await here.set("dr-heart", OFFICE)

    booked, _ = await asyncio.gather(
        there.book([doctor], NINE.start), here.set("dr-heart", timetable(opens="10:00")), return_exceptions=True
    )

    names = [stored.name for stored in shelf.events]
    if isinstance(booked, NoSuchSlot):
        assert "scheduling.appointment.booked" not in names
    else:
        assert names.index("scheduling.appointment.booked") < names.index("scheduling.schedule.changed")


async def test_all_of_a_day_is_cancelled_at_once(desk: Desk, doctor: UUID) -> None:
    booked = [await desk.book([doctor], NINE.start + n * timedelta(minutes=30)) for n in range(16)]

    await asyncio.gather(*(desk.ask("cancel", which(done)) for done in booked))

    assert await free(desk, doctor) == 16


async def test_free_slots_are_told_page_by_page(desk: Desk, doctor: UUID) -> None:
    reading, day = mandate("schedule.read"), date(2026, 3, 2)
    found, since = list[dict[str, str]](), day
    for _ in range(4):
        done = await desk.commands.free_slots(mandate=reading, schedules=[doctor], since=since, until=day, limit=5)
        found += done.answer["slots"]
        if done.answer["next"] is None:
            break
        since = type(NOW).fromisoformat(done.answer["next"])

    assert len({slot["start"] for slot in found}) == len(found) == 16


async def test_what_has_begun_is_not_free(desk: Desk, doctor: UUID) -> None:
    done = await desk.commands.free_slots(
        mandate=mandate("schedule.read", at=TEN.start + timedelta(seconds=1)),
        schedules=[doctor],
        since=TEN.start.date(),
        until=TEN.start.date(),
        limit=1,
    )

    assert done.answer["slots"][0]["start"] == "2026-03-02T10:30:00+01:00"


@pytest.mark.parametrize("until", [date(2026, 3, 1), date(2026, 5, 4)])
async def test_a_search_has_an_end_after_its_beginning_and_not_too_far(desk: Desk, doctor: UUID, until: date) -> None:
    async def search(until: date) -> Done:
        return await desk.commands.free_slots(
            mandate=mandate("schedule.read"), schedules=[doctor], since=date(2026, 3, 2), until=until, limit=1
        )

    with pytest.raises(Invalid):
        await search(until)
    assert (await search(date(2026, 5, 2))).answer["next"] is not None


async def test_others_may_know_when_a_resource_is_free(desk: Desk, doctor: UUID) -> None:
    await desk.book([doctor], NINE.start)
    reading = mandate("schedule.read", organization=NORTH)
    done = await desk.commands.free_slots(
        mandate=reading, schedules=[doctor], since=NINE.start, until=TEN.end, limit=10
    )

    assert [slot["start"] for slot in done.answer["slots"]] == [
        "2026-03-02T09:30:00+01:00",
        "2026-03-02T10:00:00+01:00",
    ]
    assert (await desk.commands.schedule(mandate=reading, schedule=doctor)).answer["organization"] == HEART


async def test_another_zone_lets_nobody_take_what_is_taken(desk: Desk) -> None:
    evening = NINE.start + timedelta(hours=13)
    doctor = await desk.set("dr-heart", timetable(opens="00:00", closes="00:00"))
    await desk.book([doctor], evening)
    await desk.set("dr-heart", timetable(zone="Asia/Tokyo", opens="00:00", closes="00:00"))

    with pytest.raises(SlotTaken):
        await desk.book([doctor], evening, patient=BOB)
