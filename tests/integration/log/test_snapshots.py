"""Long aggregates: what is loaded from a snapshot and the rest is what all events would make."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.runtime.log import Log, Unit
from shared.runtime.log.snapshots import DEEP, Loaded
from shared.runtime.log.unit import replay
from shared.runtime.nearness import Stranger
from tests.integration.log.commands import counted, opened
from tests.support.counter import Counter, Full, mandate
from tests.support.harness import eventually
from tests.support.replayed import state


@pytest.fixture
async def log(database: str) -> AsyncIterator[Log]:
    log = Log(dsn=database, nearness=Stranger())
    await log.start()
    yield log
    await log.stop()


async def a_long_one(log: Log, *, events: int = 2 * DEEP) -> UUID:
    done = await opened(log, limit=events - 1)
    id = done.changed[0].id

    async def decide(unit: Unit) -> Any:
        counter = await unit.load(Counter, id)
        for _ in range(events - 1):
            counter.count(at=unit.mandate.at)

    await log.run(mandate(), decide, target=id)
    return id


async def kept(log: Log) -> list[tuple[UUID, int]]:
    return [(row["aggregate"], row["version"]) for row in await log.fetch("SELECT aggregate, version FROM snapshots")]


async def loaded(log: Log, id: UUID) -> Loaded:
    return (await log.load(Counter, [id]))[id]


async def made_of_all_events(log: Log, id: UUID) -> Loaded:
    stream = await log.stream(id)
    return Loaded(replay(log.mapper, stream), stream[0].birth, stream[-1].id, stream[-1].correlation)


def same(one: Loaded, other: Loaded) -> bool:
    told = [(state(it.aggregate), it.birth, it.last, it.correlation) for it in (one, other)]
    return told[0] == told[1]


def folded(log: Log) -> list[int]:
    """The versions of the events that are folded from here on."""
    versions: list[int] = []
    real = log.mapper.event

    def event(aggregate: UUID, version: int, name: str, state: bytes) -> Any:
        versions.append(version)
        return real(aggregate, version, name, state)

    log.mapper.event = event  # type: ignore[method-assign]
    return versions


async def with_snapshot(log: Log) -> UUID:
    id = await a_long_one(log)
    await loaded(log, id)
    await eventually(lambda: kept(log))
    return id


async def test_who_loads_a_long_one_leaves_a_snapshot_and_the_next_starts_from_it(log: Log) -> None:
    id = await with_snapshot(log)
    assert await kept(log) == [(id, 2 * DEEP)]
    read = folded(log)
    found = await loaded(log, id)
    assert read == []
    assert same(found, await made_of_all_events(log, id))


async def test_events_after_the_snapshot_are_folded_onto_it(log: Log) -> None:
    id = await with_snapshot(log)
    await log.run(mandate(), lambda unit: raised(unit, id), target=id)
    read = folded(log)
    found = await loaded(log, id)
    assert read == [2 * DEEP + 1]
    assert same(found, await made_of_all_events(log, id))


async def raised(unit: Unit, id: UUID) -> None:
    (await unit.load(Counter, id)).count(at=unit.mandate.at, by=0)


async def test_a_short_one_needs_none(log: Log) -> None:
    id = await a_long_one(log, events=DEEP)
    await loaded(log, id)
    assert log._snapshots is not None
    assert not log._snapshots._due


async def test_a_snapshot_follows_its_aggregate(log: Log) -> None:
    id = await with_snapshot(log)
    for _ in range(DEEP):
        await log.run(mandate(), lambda unit: raised(unit, id), target=id)
    await loaded(log, id)
    await eventually(lambda: _is(log, id, 3 * DEEP))
    assert same(await loaded(log, id), await made_of_all_events(log, id))


async def _is(log: Log, id: UUID, version: int) -> bool:
    return await kept(log) == [(id, version)]


async def test_what_other_code_made_is_not_used_and_made_anew(log: Log) -> None:
    id = await with_snapshot(log)
    await log.fetch("UPDATE snapshots SET made_by = 'another release', state = 'not ours'")
    assert same(await loaded(log, id), await made_of_all_events(log, id))
    await eventually(lambda: _made_anew(log))


async def _made_anew(log: Log) -> bool:
    return not await log.fetch("SELECT FROM snapshots WHERE made_by = 'another release'")


@pytest.mark.parametrize("state", [b"", b"garbage", pickle.dumps({"not": "an aggregate"})])
async def test_a_broken_snapshot_is_passed_over_and_made_anew(log: Log, state: bytes) -> None:
    id = await with_snapshot(log)
    await log.fetch("UPDATE snapshots SET state = $1", state)
    assert same(await loaded(log, id), await made_of_all_events(log, id))
    await eventually(lambda: kept(log))
    read = folded(log)
    await loaded(log, id)
    assert read == []


async def test_a_snapshot_of_a_version_that_is_not_there_is_passed_over(log: Log) -> None:
    id = await with_snapshot(log)
    await log.fetch("UPDATE snapshots SET version = version + 1")
    assert same(await loaded(log, id), await made_of_all_events(log, id))


async def test_a_command_that_was_refused_leaves_nothing_behind(log: Log) -> None:
    id = await with_snapshot(log)

    async def decide(unit: Unit) -> Any:
        counter = await unit.load(Counter, id)
        counter.count(at=unit.mandate.at, by=0)
        counter.count(at=unit.mandate.at, by=1)

    with pytest.raises(Full):
        await log.run(mandate(), decide, target=id)
    assert same(await loaded(log, id), await made_of_all_events(log, id))


async def test_two_processes_on_a_long_one_lose_nothing(log: Log, database: str) -> None:
    id = (await opened(log)).changed[0].id
    other = Log(dsn=database, nearness=Stranger())
    await other.start()
    await asyncio.gather(*(counted(one, id) for one in (log, other) for _ in range(DEEP)))
    await other.stop()
    assert (await loaded(log, id)).aggregate.total == 2 * DEEP
    assert same(await loaded(log, id), await made_of_all_events(log, id))
