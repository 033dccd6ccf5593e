"""The log: positions without holes, commands once, conflicts that fail alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared.kernel import NotFound, Stale, TooLarge
from shared.runtime.log import Log, Unit
from shared.runtime.log.log import KeptRefusal, KeyReused
from shared.runtime.mandate import fresh_id
from shared.runtime.nearness import Stranger
from tests.integration.log.commands import counted, opened, positions
from tests.support.counter import Counter, Full, mandate


@pytest.fixture
async def log(database: str) -> AsyncIterator[Log]:
    log = Log(dsn=database, nearness=Stranger())
    await log.start()
    yield log
    await log.stop()


async def test_positions_follow_the_order_of_commit_without_a_hole(log: Log) -> None:
    await asyncio.gather(*(opened(log) for _ in range(200)))
    assert await positions(log) == list(range(1, 201))


async def test_commands_on_one_aggregate_all_take_effect(log: Log) -> None:
    done = await opened(log)
    id = done.changed[0].id
    await asyncio.gather(*(counted(log, id) for _ in range(50)))
    stream = await log.stream(id)
    assert [stored.version for stored in stream] == list(range(1, 52))


async def test_two_processes_on_one_aggregate_lose_nothing(log: Log, database: str) -> None:
    other = Log(dsn=database, nearness=Stranger())
    await other.start()
    id = (await opened(log)).changed[0].id
    await asyncio.gather(*(counted(one, id) for one in (log, other) for _ in range(40)))
    assert len(await log.stream(id)) == 81
    assert await positions(log) == list(range(1, 82))
    await other.stop()


async def test_a_command_said_twice_takes_effect_once_with_the_first_answer(log: Log) -> None:
    said = mandate(keyed=True, fingerprint=b"x")
    first = await opened(log, by=said)
    again = await opened(log, by=said)
    assert again.answer == first.answer
    assert again.changed == first.changed
    assert again.repeated
    assert len(await positions(log)) == 1


async def test_one_command_id_fifty_times_at_once_takes_effect_once(log: Log) -> None:
    said = mandate(keyed=True)
    answers = await asyncio.gather(*(opened(log, by=said) for _ in range(50)))
    assert len({str(done.answer) for done in answers}) == 1
    assert len(await positions(log)) == 1


async def test_the_same_command_at_once_waits_for_the_first_and_is_asked_once(log: Log) -> None:
    said, asked = mandate(keyed=True), []

    async def decide(unit: Unit) -> Any:
        asked.append(1)
        await asyncio.sleep(0)
        unit.add(Counter.open(id=fresh_id(), at=said.at))
        return {"asked": len(asked)}

    answers = await asyncio.gather(*(log.run(said, decide) for _ in range(50)))
    assert asked == [1]
    assert {done.changed for done in answers} == {answers[0].changed}
    assert not log._locks._locks


async def test_the_same_command_id_with_another_content_is_refused(log: Log) -> None:
    said = mandate(keyed=True, fingerprint=b"one")
    await opened(log, by=said)
    with pytest.raises(KeyReused):
        await opened(log, by=mandate(command=said.command, keyed=True, fingerprint=b"two"))


async def test_a_refusal_is_refused_again_with_the_same_words(log: Log) -> None:
    id = (await opened(log, limit=0)).changed[0].id
    said = mandate(keyed=True)
    with pytest.raises(Full):
        await counted(log, id, by=said)
    with pytest.raises(KeptRefusal) as kept:
        await counted(log, id, by=said)
    assert kept.value.code == "Full"


async def test_a_conflict_fails_its_own_command_alone(log: Log) -> None:
    id = (await opened(log)).changed[0].id
    results = await asyncio.gather(
        opened(log, id=id), opened(log), opened(log), counted(log, id), return_exceptions=True
    )
    assert [isinstance(result, Exception) for result in results] == [True, False, False, False]


async def test_if_match_with_another_version_is_stale(log: Log) -> None:
    id = (await opened(log)).changed[0].id
    await counted(log, id, by=mandate(expected=1))
    with pytest.raises(Stale):
        await counted(log, id, by=mandate(expected=1))


async def test_a_demanded_version_must_still_hold_when_the_command_is_stored(log: Log) -> None:
    id = (await opened(log)).changed[0].id
    seen: list[int] = []

    async def decide(unit: Unit) -> Any:
        counter = await unit.load(Counter, id)
        unit.demand(counter)
        seen.append(counter.version)
        if len(seen) == 1:
            await counted(log, id)
        unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at))

    await log.run(mandate(), decide)
    assert seen == [1, 2]


async def test_what_is_missing_is_not_found(log: Log) -> None:
    with pytest.raises(NotFound):
        await counted(log, fresh_id())


async def test_an_event_larger_than_a_topic_takes_is_refused_before_it_is_stored(log: Log) -> None:
    with pytest.raises(TooLarge):
        await opened(log, note="x" * 1_100_000)
    assert await positions(log) == []


async def test_a_birth_inherits_the_story_of_what_it_names(log: Log) -> None:
    first = await opened(log)
    named = first.changed[0].id

    async def decide(unit: Unit) -> Any:
        unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at), because_of=[named])

    await log.run(mandate(), decide)
    cause, effect = await log.after(0, limit=2)
    assert effect.causation == cause.id
    assert effect.correlation == cause.correlation


async def test_a_birth_never_inherits_the_story_of_what_else_the_command_changes(log: Log) -> None:
    day = (await opened(log)).changed[0].id

    async def decide(unit: Unit) -> Any:
        (await unit.load(Counter, day)).count(at=unit.mandate.at)
        unit.add(Counter.open(id=fresh_id(), at=unit.mandate.at), because_of=[fresh_id()])

    said = mandate()
    await log.run(said, decide)
    _, counted_on, born = await log.after(0, limit=3)
    assert {counted_on.correlation, born.correlation} == {said.command}
    assert {counted_on.causation, born.causation} == {None}


async def test_if_match_on_what_is_not_there_is_stale(log: Log) -> None:
    missing = fresh_id()

    async def decide(unit: Unit) -> Any:
        return await unit.find(Counter, missing)

    with pytest.raises(Stale):
        await log.run(mandate(expected=1), decide, target=missing)


async def test_the_log_refuses_to_be_changed(log: Log) -> None:
    await opened(log)
    for statement in ("UPDATE events SET actor = 'mallory'", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(asyncpg.RaiseError, match="immutable"):
            await log.pool.execute(statement)


async def test_a_page_of_large_events_is_a_short_one_and_never_empty(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for note in ("x" * 6_000, "x" * 6_000, "x", "y"):
        await opened(log, note=note)
    assert await positions(log) == [1, 2, 3, 4]

    monkeypatch.setattr("shared.runtime.log.log.PAGE_BYTES", 5_000)
    assert [one.position for one in await log.after(0, limit=10)] == [1]
    assert [one.position for one in await log.after(1, limit=10)] == [2]
    assert [one.position for one in await log.after(2, limit=10)] == [3, 4]
    assert [one.position for one in await log.after(2, limit=1)] == [3]
    assert await log.after(4, limit=10) == []
