"""Reactions over the bus: each event once, refusals kept, history left alone, what is not known yet waited for."""

from uuid import UUID

import pytest

from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import commands, mandate, opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.harness import Bus, eventually
from tests.support.running import Running


async def opener(it: Running, target: object, **more: object) -> UUID:
    """A counter whose opening counts another one."""
    id = fresh_id()
    await commands(it).open(mandate=mandate(**more), id=id, note=str(target))
    return id


async def total(it: Running, id: UUID) -> int:
    return len(await it.runtime.log.stream(id)) - 1


async def refusals(it: Running) -> list[str]:
    rows = await it.runtime.log.pool.fetch("SELECT answer FROM commands WHERE outcome = 'refused'")
    return [row["answer"].decode() for row in rows]


async def test_a_reaction_answers_an_event_once_however_often_it_comes(work: Work, bus: Bus) -> None:
    async with work() as it:
        target = await opened(it)
        first = await opener(it, target)
        await eventually(lambda: _is(it, target, 1))
        for _ in range(3):
            await bus.say(*await it.runtime.feed.contracts_of(first))
        await opener(it, target)
        await eventually(lambda: shows(it, target, 2))

        assert await total(it, target) == 2


async def _is(it: Running, id: UUID, expected: int) -> bool:
    return await total(it, id) == expected


async def test_what_it_does_follows_from_its_event_and_is_the_services_doing(work: Work) -> None:
    async with work() as it:
        target = await opened(it)
        cause = await opener(it, target)
        await eventually(lambda: _is(it, target, 1))
        [said], [_, done] = await it.runtime.log.stream(cause), await it.runtime.log.stream(target)

    assert (done.causation, done.correlation) == (said.id, said.correlation)
    assert (done.actor, done.role, done.organization, done.purpose) == ("carelog:records", "system", "north", "TREAT")


async def test_what_is_refused_is_kept_and_not_asked_again(work: Work, bus: Bus) -> None:
    async with work() as it:
        full, other = await opened(it, limit=0), await opened(it)
        cause = await opener(it, full)
        await eventually(lambda: refusals(it))
        await bus.say(*await it.runtime.feed.contracts_of(cause))
        await opener(it, other)
        await eventually(lambda: _is(it, other, 1))

        assert [text for text in await refusals(it) if "Full" in text] == await refusals(it)
        assert len(await refusals(it)) == 1
        assert await it.runtime.problems() == []


async def test_imported_history_is_left_alone(work: Work) -> None:
    async with work() as it:
        target = await opened(it)
        await opener(it, target, origin="history")
        await opener(it, target)
        await eventually(lambda: shows(it, target, 1))

        assert await total(it, target) == 1


async def test_what_is_not_known_yet_is_waited_for(work: Work) -> None:
    async with work() as it:
        later = fresh_id()
        await opener(it, later)
        await eventually(lambda: _relayed(it))
        await commands(it).open(mandate=mandate(), id=later)
        await eventually(lambda: _is(it, later, 1))

        assert await refusals(it) == []


async def _relayed(it: Running) -> bool:
    return bool(await it.runtime.log.pool.fetchval("SELECT position FROM relay"))


async def test_what_is_never_known_is_kept_as_such_and_others_go_on(
    work: Work, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.reactor._PATIENCE", 0.0)
    async with work() as it:
        target = await opened(it)
        lost = await opener(it, fresh_id())
        await eventually(lambda: refusals(it))
        await bus.say(*await it.runtime.feed.contracts_of(lost))
        await opener(it, target)
        await eventually(lambda: _is(it, target, 1))

        assert ["NotFound" in text for text in await refusals(it)] == [True]
        assert await it.runtime.problems() == []


async def test_an_organisation_that_may_not_is_told_so_once(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service acts for the organisation of the event: another one's counter is as if it were not there."""
    monkeypatch.setattr("shared.runtime.bus.reactor._PATIENCE", 0.0)
    async with work() as it:
        target = await opened(it)
        heart = mandate(actor=mandate().actor.model_copy(update={"organization": "heart"}))
        await commands(it).open(mandate=heart, id=fresh_id(), note=str(target))
        await eventually(lambda: refusals(it))

        assert await total(it, target) == 0


async def test_an_event_that_a_reaction_breaks_on_is_set_aside_for_it_and_for_no_projection(work: Work) -> None:
    async with work() as it:
        broken = await opener(it, "not an id")
        await eventually(lambda: shows(it, broken, 0))
        [problem] = await eventually(it.runtime.problems)

    assert problem.startswith("carelog.records.on-counter: carelog.records.v1/")
    assert f" {broken}.1: ValueError | " in problem
