"""A projection is built anew beside the live one, while it is read and written: the same bytes, and no failed read.

Broken off wherever it may be, it goes on where it was.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from shared.runtime.generations import Generations
from shared.runtime.operating import Operated
from shared.runtime.operating.projections import rebuilds
from shared.runtime.rebuild import Comparison, Deposed, NoWayBack, Progress, Rebuilt, Taken, entries, record
from shared.runtime.workers import background, end
from tests.integration.runtime.asking import opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import Lines, Tally
from tests.support.harness import Bus, eventually
from tests.support.running import Running

BOTH = pytest.mark.parametrize("projection", [Tally(), Lines()], ids=lambda one: one.name)
Told = list[Progress]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.rebuild.filling._LOOK", 0.02)
    monkeypatch.setattr("shared.runtime.rebuild.comparing._MOMENT", 0.02)


@asynccontextmanager
async def rebuilding(
    it: Running, projection: Tally | Lines, *, tell: Callable[[Progress], None] = lambda now: None
) -> AsyncIterator[Any]:
    of = Operated(service=it.service, settings=it.runtime.settings)
    async with rebuilds(of, projection, tell=tell) as rebuild:
        yield rebuild


async def rebuilt(it: Running, projection: Tally | Lines, *, told: Told | None = None, **more: Any) -> Rebuilt:
    async with rebuilding(it, projection, tell=(told if told is not None else []).append) as rebuild:
        done: Rebuilt = await rebuild.run(**more)
        return done


async def broken_off(it: Running, projection: Tally | Lines, *, at: str) -> None:
    """As `kill -9` would end it when it is first heard to be there: nothing is put in order."""
    there = asyncio.Event()

    def tell(now: Progress) -> None:
        if now.state == at:
            there.set()

    async with rebuilding(it, projection, tell=tell) as rebuild:
        rebuild._record.release = _nothing
        working = asyncio.create_task(rebuild.run())
        await there.wait()
        await end(working)


async def _nothing(*_: object) -> None: ...


async def made(it: Running, count: int = 10) -> list[UUID]:
    ids = [await opened(it, counts=2) for _ in range(count)]
    for id in ids:
        await eventually(partial(shows, it, id, 2))
    return ids


async def live(it: Running, projection: Tally | Lines) -> int:
    return await Generations(it.runtime.documents).live(projection)


@BOTH
async def test_what_is_built_anew_is_what_was_there(work: Work, projection: Tally | Lines) -> None:
    async with work() as it:
        ids = await made(it)
        told: Told = []
        done = await rebuilt(it, projection, told=told)

        assert (done.generation, done.replaced, done.switched, done.comparison.agrees) == (2, 1, True, True)
        assert done.comparison.equal >= len(ids)
        filled = [now for now in told if now.state == "filling"][-1]
        assert (filled.applied, filled.there) == (30, 30)
        assert await live(it, projection) == 2


async def test_while_it_is_built_every_read_is_answered_and_every_write_shows(work: Work) -> None:
    async with work() as it:
        first = await opened(it, counts=3)
        await eventually(lambda: shows(it, first, 3))
        async with background(_read_on(it, first), "reader") as reading:
            during = asyncio.create_task(_write_on(it))
            done = await rebuilt(it, Tally())
            assert done.switched
            for id in await during:
                await eventually(partial(shows, it, id, 1))
            await eventually(lambda: _follows(it, "carelog.records.tally~2"))
            after = await opened(it, counts=1)
            await eventually(lambda: shows(it, after, 1))
            assert not reading.done()


async def _read_on(it: Running, id: UUID) -> None:
    """Ends with the first read that is not answered with what is there."""
    while await shows(it, id, 3):  # noqa: ASYNC110 - it is the reading that counts
        await asyncio.sleep(0.005)


async def _write_on(it: Running) -> list[UUID]:
    return [await opened(it, counts=1) for _ in range(30)]


def _follows(it: Running, group: str) -> bool:
    """The worker's consumer is the new generation's, and of this projection no other."""
    assert it.runtime.workers
    there = [name for name in it.runtime.workers.consumers if name.split("~")[0] == group.split("~")[0]]
    return there == [group]


async def test_where_the_generations_differ_the_live_one_stays(work: Work) -> None:
    async with work() as it:
        [id] = await made(it, 1)
        await it.runtime.log.pool.execute('UPDATE tally_g1 SET body = \'{"total": 2, "id": "touched"}\'')
        done = await rebuilt(it, Tally())

        assert (done.switched, done.comparison.different.some) == (False, [str(id)])
        assert await live(it, Tally()) == 1


async def test_a_difference_that_is_wanted_is_switched_to(work: Work) -> None:
    async with work() as it:
        [id] = await made(it, 1)
        await it.runtime.log.pool.execute('UPDATE tally_g1 SET body = \'{"total": 2, "id": "touched"}\'')
        asked: list[Comparison] = []

        async def yes(comparison: Comparison) -> bool:
            asked.append(comparison)
            return True

        done = await rebuilt(it, Tally(), even_if_different=yes)
        assert (done.switched, [one.different.some for one in asked]) == (True, [[str(id)]])
        await eventually(lambda: shows(it, id, 2))


async def test_what_the_live_one_has_seen_and_the_new_one_has_not_holds_the_switch_back(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.rebuild.comparing._MOMENTS_A_BLOCK", 2)
    async with work() as it:
        [id] = await made(it, 1)
        await it.runtime.log.pool.execute("UPDATE tally_g1 SET revision = revision + 1")
        done = await rebuilt(it, Tally())

        assert (done.switched, done.comparison.behind.some) == (False, [str(id)])
        assert await live(it, Tally()) == 1


@BOTH
@pytest.mark.parametrize("at", ["preparing", "filling", "comparing"])
async def test_one_that_was_killed_is_gone_on_with(
    work: Work, projection: Tally | Lines, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LEASE", 0.5)
    async with work() as it:
        await made(it)
        await broken_off(it, projection, at=at)
        [left, _] = await entries(it.runtime.log.pool, projection=projection.name)
        done = await rebuilt(it, projection, wait_for=5)

        assert (left.generation, left.ended_at) == (2, None)
        assert (done.generation, done.switched, done.comparison.agrees) == (2, True, True)


@BOTH
async def test_one_that_was_killed_after_the_switch_is_put_in_order(
    work: Work, projection: Tally | Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LEASE", 0.5)
    async with work() as it:
        await made(it)
        await broken_off(it, projection, at="comparing")
        await Generations(it.runtime.documents).switch(projection, 2)
        done = await rebuilt(it, projection, wait_for=5)

        assert (done.generation, done.replaced, done.switched) == (2, 1, True)
        [now, before] = await entries(it.runtime.log.pool, projection=projection.name)
        assert (now.state, now.ended_at is not None, before.left_at is not None) == ("switched", True, True)


async def test_who_comes_second_is_told_who_is_at_it(work: Work) -> None:
    async with work() as it:
        await made(it, 1)
        begun = asyncio.Event()
        async with rebuilding(it, Tally(), tell=lambda now: begun.set()) as one, background(one.run(), "first"):
            await begun.wait()
            with pytest.raises(Taken) as taken:
                await rebuilt(it, Tally())
        assert "@" in taken.value.entry.held_by
        assert taken.value.entry.is_under_way


async def test_one_that_was_silent_for_too_long_leaves_it_to_the_other(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LEASE", 0.2)
    monkeypatch.setattr("shared.runtime.rebuild.rebuilding._BEAT", 0.5)
    async with work() as it:
        await made(it, 1)
        begun = asyncio.Event()
        async with rebuilding(it, Tally(), tell=lambda now: begun.set()) as rebuild:
            frozen = asyncio.create_task(rebuild.run(even_if_different=_wait))
            await it.runtime.log.pool.execute('UPDATE tally_g1 SET body = \'{"total": 2, "id": "touched"}\'')
            await begun.wait()
            await it.runtime.log.pool.execute("UPDATE rebuilds SET holder = gen_random_uuid() WHERE ended_at IS NULL")
            with pytest.raises(Deposed):
                await frozen


async def _wait(_: Comparison) -> bool:
    return await asyncio.Event().wait()


async def test_one_begun_by_other_code_is_begun_afresh(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LEASE", 0.5)
    async with work() as it:
        await made(it)
        await broken_off(it, Tally(), at="comparing")
        await it.runtime.log.pool.execute("UPDATE rebuilds SET code = 'of the release before' WHERE generation = 2")
        done = await rebuilt(it, Tally(), wait_for=5)

        assert (done.generation, done.switched) == (3, True)
        states = {one.generation: one.state for one in await entries(it.runtime.log.pool, projection="tally")}
        assert states == {1: "first", 2: "given up", 3: "switched"}
        assert await _tables(it) == {"tally_g1", "tally_g3"}


async def test_only_the_live_generation_and_the_way_back_are_kept(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    async with work() as it:
        [id] = await made(it, 1)
        await rebuilt(it, Tally())
        await rebuilt(it, Tally())
        assert await _tables(it) == {"tally_g1", "tally_g2", "tally_g3"}, "somebody may still be reading the first"

        await eventually(lambda: _follows(it, "carelog.records.tally~3"))
        monkeypatch.setattr("shared.runtime.rebuild.rebuilding._KEPT_AT_LEAST", 0.0)
        done = await rebuilt(it, Tally())
        assert done.left_to_do == ""
        assert await _tables(it) == {"tally_g3", "tally_g4"}
        await eventually(lambda: shows(it, id, 2))


async def _tables(it: Running) -> set[str]:
    rows = await it.runtime.log.pool.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'tally\\_g%'")
    return {row["tablename"] for row in rows}


@pytest.mark.parametrize("instance", ["", "one-that-keeps-its-place"])
async def test_the_way_back_is_level_with_what_has_come_since(work: Work, instance: str) -> None:
    """A worker with a name of its own stays in the groups that it leaves, for as long as a session lasts."""
    async with work(instance=instance) as it:
        await made(it, 1)
        await rebuilt(it, Tally())
        await eventually(lambda: _follows(it, "carelog.records.tally~2"))
        since = await opened(it, counts=1)
        await eventually(lambda: shows(it, since, 1))

        async with rebuilding(it, Tally()) as one:
            done = await one.roll_back()
        assert (done.generation, done.replaced, await live(it, Tally())) == (1, 2, 1)
        collection = Generations(it.runtime.documents).collections(Tally(), 1)[0]
        assert await it.runtime.documents.get(collection, str(since)), "before anybody follows the alias"
        await eventually(lambda: _follows(it, "carelog.records.tally"))

        again = await rebuilt(it, Tally())
        assert (again.generation, again.switched) == (3, True), "what was left may be wrong: it is not gone on with"


async def test_there_is_no_way_back_from_the_first(work: Work) -> None:
    async with work() as it:
        await made(it, 1)
        async with rebuilding(it, Tally()) as one:
            with pytest.raises(NoWayBack):
                await one.roll_back()
        assert await live(it, Tally()) == 1


@BOTH
async def test_what_the_topic_has_lost_comes_from_its_owner(
    work: Work, bus: Bus, projection: Tally | Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.rebuild.comparing._MOMENTS_A_BLOCK", 2)
    async with work("worker") as it:
        id = await opened(it, counts=2)
        first, _, last = await it.told()
        await bus.say(first, last)
        await eventually(lambda: shows(it, id, 2))
        await eventually(partial(_knows_all, it, id))
        done = await rebuilt(it, projection)
        assert (done.switched, done.comparison.behind.count) == (True, 0)
        assert await _knows_all(it, id, generation=2)


async def _knows_all(it: Running, id: UUID, *, generation: int = 1) -> bool:
    rows = it.runtime.documents
    lines = Generations(rows).collections(Lines(), generation if await live(it, Lines()) == generation else 1)[0]
    return all([await rows.get(lines, f"{id}.{version}") for version in (1, 2, 3)])
