"""A projection is built anew beside the live one, while it is read and written: the same bytes, and no failed read."""

import asyncio
from functools import partial
from uuid import UUID

import pytest

from shared.runtime.generations import Generations
from shared.runtime.rebuild import Rebuild, Rebuilt
from shared.runtime.workers import background
from tests.integration.runtime.asking import opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import Lines, Tally
from tests.support.harness import Bus, eventually
from tests.support.running import Running

BOTH = pytest.mark.parametrize("projection", [Tally(), Lines()], ids=lambda one: one.name)


async def rebuilt(it: Running, bus: Bus, projection: Tally | Lines, *, progress: list[tuple[int, int]]) -> Rebuilt:
    assert it.runtime.workers
    rebuild = Rebuild(
        projection,
        service="records",
        store=it.runtime.documents,
        reports=it.runtime.workers.reports,
        bootstrap=bus.bootstrap,
    )
    return await rebuild.run(progress=lambda read, there: progress.append((read, there)))


@BOTH
async def test_what_is_built_anew_is_what_was_there(work: Work, bus: Bus, projection: Tally | Lines) -> None:
    async with work() as it:
        ids = [await opened(it, counts=2) for _ in range(10)]
        for id in ids:
            await eventually(partial(shows, it, id, 2))
        progress: list[tuple[int, int]] = []
        done = await rebuilt(it, bus, projection, progress=progress)

        assert (done.generation, done.switched, done.comparison.agrees) == (2, True, True)
        assert done.comparison.equal >= len(ids)
        assert progress[-1] == (30, 30)
        assert await Generations(it.runtime.documents).live(projection) == 2


async def test_while_it_is_built_every_read_is_answered_and_every_write_shows(work: Work, bus: Bus) -> None:
    async with work() as it:
        first = await opened(it, counts=3)
        await eventually(lambda: shows(it, first, 3))
        async with background(_read_on(it, first), "reader") as reading:
            during = asyncio.create_task(_write_on(it))
            done = await rebuilt(it, bus, Tally(), progress=[])
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


async def test_where_the_generations_differ_the_live_one_stays(work: Work, bus: Bus) -> None:
    async with work() as it:
        id = await opened(it, counts=2)
        await eventually(lambda: shows(it, id, 2))
        await it.runtime.log.pool.execute('UPDATE tally_g1 SET body = \'{"total": 2, "id": "touched"}\'')
        done = await rebuilt(it, bus, Tally(), progress=[])

        assert (done.switched, list(done.comparison.different)) == (False, [str(id)])
        assert await Generations(it.runtime.documents).live(Tally()) == 1


async def test_what_the_live_one_has_seen_and_the_new_one_has_not_holds_the_switch_back(
    work: Work, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.rebuild._COMPARISONS", 2)
    async with work() as it:
        id = await opened(it, counts=2)
        await eventually(lambda: shows(it, id, 2))
        await it.runtime.log.pool.execute("UPDATE tally_g1 SET revision = revision + 1")
        done = await rebuilt(it, bus, Tally(), progress=[])

        assert (done.switched, list(done.comparison.behind)) == (False, [str(id)])
        assert await Generations(it.runtime.documents).live(Tally()) == 1
