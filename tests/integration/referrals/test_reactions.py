"""Appointments that carry a referral's id move it, once each, in whatever order their words come."""

import asyncio
from uuid import UUID

import pytest

from tests.integration.referrals.world import World
from tests.unit.referrals.known import NORTH, OTHER_VISIT, STRANGER, VISIT
from tests.unit.referrals.said import appointment, booked, cancelled, missed, reinstated, rescheduled


async def test_an_appointment_moves_its_referral_through_the_visit(world: World) -> None:
    id = await world.accepted()
    words = appointment(booked(), rescheduled(), missed(), reinstated(), cancelled(), referral=UUID(id))
    stood = []
    for word in words:
        await world.react(word)
        stood.append(await world.standing(id))

    assert stood == ["5.1.1", "5.1.1", "5.1.2", "5.1.1", "5.1.3"]


async def test_the_referral_knows_the_visits_appointment_and_time(world: World) -> None:
    id = await world.accepted()
    [word] = appointment(booked(), referral=UUID(id))

    await world.react(word)

    shows = (await (await world.heart()).get(f"/referrals/{id}")).json()
    assert shows["visit"] == {"appointment": str(VISIT), "start": "2026-03-05T09:30:00+00:00"}


async def test_a_word_heard_twice_takes_effect_once(world: World) -> None:
    id = await world.accepted()
    words = appointment(booked(), missed(), referral=UUID(id))

    await world.react(*words, *words, words[0])

    assert len(await world.runtime.log.stream(UUID(id))) == 3 + 2
    assert await world.standing(id) == "5.1.2"


async def test_words_that_come_in_another_order_end_where_the_appointment_ended(world: World) -> None:
    id = await world.accepted()
    first, second, third, fourth = appointment(booked(), missed(), reinstated(), cancelled(), referral=UUID(id))

    await world.react(first, fourth, third, second)

    assert await world.standing(id) == "5.1.3"


async def test_a_cancellation_that_is_heard_before_its_booking_waits_for_it(world: World) -> None:
    id = await world.accepted()
    first, second = appointment(booked(), cancelled(), referral=UUID(id))

    await asyncio.gather(world.react(second), world.react(first))

    assert await world.standing(id) == "5.1.3"


async def test_a_referral_that_cannot_take_the_step_keeps_the_refusal_as_the_outcome(world: World) -> None:
    id = await world.drafted()
    await world.say(NORTH, id, "send")
    [word] = appointment(booked(), referral=UUID(id))

    await world.react(word)
    await world.say("heart-centre", id, "accept")
    await world.react(word)

    assert await world.standing(id) == "3.0"
    outcomes = await world.runtime.log.pool.fetch("SELECT outcome FROM commands WHERE outcome = 'refused'")
    assert len(outcomes) == 1


@pytest.mark.parametrize("organization", [NORTH, STRANGER])
async def test_an_appointment_of_anybody_but_the_recipient_moves_nothing(
    world: World, organization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.reactor._PATIENCE", 0.0)
    id = await world.accepted()
    [word] = appointment(booked(), referral=UUID(id), organization=organization)

    await world.react(word)

    assert await world.standing(id) == "3.0"


async def test_the_word_of_an_older_appointment_does_not_end_the_newer_visit(world: World) -> None:
    id = await world.accepted()
    old, late = appointment(booked(), cancelled(), referral=UUID(id))
    [new] = appointment(booked(), id=OTHER_VISIT, referral=UUID(id))

    await world.react(old, new, late)

    assert await world.standing(id) == "5.1.1"


async def test_the_story_of_an_appointment_goes_on_in_its_referral(world: World) -> None:
    id = await world.accepted()
    [word] = appointment(booked(), referral=UUID(id))
    await world.heard(word)

    await world.react(word)

    last = (await world.runtime.log.stream(UUID(id)))[-1]
    assert (last.causation, last.correlation) == (word.envelope.id, word.envelope.correlationid)
    assert (last.actor, last.role, last.organization) == ("carelog:referrals", "system", "heart-centre")
