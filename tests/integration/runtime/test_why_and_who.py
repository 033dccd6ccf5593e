"""Who, when and why is kept with every event; and the policy, wherever something is loaded."""

from typing import Any
from uuid import UUID

import pytest

from shared.kernel import Actor, Denied, EventId, NotFound, OrganizationId
from shared.runtime.log import Log
from shared.runtime.mandate import Mandate, fresh_id
from tests.integration.runtime.asking import HEART, NORTH, STORY, Known, counted, mandate, opened_in

# why, in ids --------------------------------------------------------------------------------------------------------


async def why(log: Log, id: UUID, version: int = -1) -> tuple[str | None, UUID]:
    stored = (await log.stream(id))[version]
    return stored.causation, stored.correlation


async def test_what_nothing_caused_begins_a_story(log: Log) -> None:
    said = mandate()
    id = await opened_in(log, by=said)

    assert await why(log, id) == (None, said.command)


async def test_a_change_follows_from_the_last_event_of_its_aggregate(log: Log) -> None:
    id = await opened_in(log)
    _, story = await why(log, id)
    await counted(log, id)
    await counted(log, id)

    assert [await why(log, id, n) for n in (0, 1, 2)] == [(None, story), (f"{id}.1", story), (f"{id}.2", story)]


async def test_a_birth_follows_from_the_first_that_is_known_of_what_it_names(log: Log, known: Known) -> None:
    here = await opened_in(log)
    story = (await why(log, here))[1]

    assert await why(log, await opened_in(log, because_of=[fresh_id(), here, known.referral])) == (f"{here}.1", story)
    assert await why(log, await opened_in(log, because_of=[fresh_id(), known.referral, here])) == (
        f"{known.referral}.7", STORY,
    )  # fmt: skip


async def test_the_cause_that_a_caller_names_comes_first_and_brings_its_story(log: Log, known: Known) -> None:
    here, cause = await opened_in(log), EventId(f"{known.referral}.3")
    await counted(log, here, by=mandate(cause=cause))

    assert await why(log, here) == (cause, STORY)


async def test_a_named_cause_that_nobody_knows_leaves_the_story_as_it_is(log: Log) -> None:
    here, cause = await opened_in(log), EventId(f"{fresh_id()}.1")
    story = (await why(log, here))[1]
    await counted(log, here, by=mandate(cause=cause))

    assert await why(log, here) == (cause, story)


async def test_every_event_says_who_for_whom_and_when(log: Log) -> None:
    said = mandate(origin="history")
    [stored] = await log.stream(await opened_in(log, by=said))

    assert (stored.actor, stored.role, stored.organization, stored.purpose) == ("alice", "clinician", "north", "TREAT")
    assert (stored.origin, stored.command, stored.occurred_at) == ("history", said.command, said.at)
    assert stored.recorded_at > said.at or abs((stored.recorded_at - said.at).total_seconds()) < 60


# the policy, wherever something is loaded -----------------------------------------------------------------------------


def by(organization: OrganizationId, role: Any = "clinician", action: str = "clinical.amend", **more: Any) -> Mandate:
    return mandate(actor=Actor(subject="bob", role=role, organization=organization), action=action, **more)


async def test_a_foreign_thing_is_missing(log: Log) -> None:
    id = await opened_in(log, patient=fresh_id())
    with pytest.raises(NotFound) as foreign:
        await counted(log, id, by=by(HEART))
    with pytest.raises(NotFound) as missing:
        await counted(log, fresh_id(), by=by(HEART))

    assert str(foreign.value) == str(missing.value)


async def test_a_version_that_is_not_the_callers_to_know_is_not_told_by_if_match(log: Log) -> None:
    id = await opened_in(log, patient=fresh_id())

    with pytest.raises(NotFound):
        await counted(log, id, by=by(HEART, expected=7))


async def test_who_is_near_may_see_and_not_change(log: Log, known: Known) -> None:
    patient = fresh_id()
    id = await opened_in(log, patient=patient)
    known.patients.add(patient)

    assert (await log.view(id, actor=by(HEART).actor, action="clinical.read")).aggregate.limit == 9
    with pytest.raises(Denied):
        await counted(log, id, by=by(HEART))


async def test_who_is_not_near_sees_nothing(log: Log) -> None:
    id = await opened_in(log, patient=fresh_id())

    with pytest.raises(NotFound):
        await log.view(id, actor=by(HEART).actor, action="clinical.read")


async def test_a_role_that_may_never_do_this_is_denied(log: Log) -> None:
    id = await opened_in(log)

    with pytest.raises(Denied):
        await counted(log, id, by=by(NORTH, role="biller"))


async def test_an_action_that_nobody_knows_is_denied(log: Log) -> None:
    id = await opened_in(log)

    with pytest.raises(Denied):
        await counted(log, id, by=by(NORTH, action="cake.eat"))
    assert len(await log.stream(id)) == 1
