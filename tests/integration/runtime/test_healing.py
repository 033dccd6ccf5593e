"""What a topic has lost is found and filled from its owner's feed, without a human; and what is set aside is told."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.envelope import Contract, to_headers
from shared.runtime.bus.duty import Duty
from shared.runtime.log import Log
from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import commands, mandate, opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import CounterCounted, CounterOpened, service
from tests.support.harness import Bus, eventually
from tests.support.running import Running, running, said

CANARY = "CANARY-Jane-Doe"


@pytest.fixture(autouse=True)
def without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.heads.AGE", 0.0)
    monkeypatch.setattr("shared.runtime.bus.upkeep._PAUSE", 0.1)


async def told(it: Running, bus: Bus, contracts: Sequence[Contract]) -> None:
    """The topic has these, and the relay has published all: the rest is lost."""
    await bus.say(*contracts)
    await it.runtime.log.pool.execute("UPDATE relay SET position = (SELECT max(position) FROM events)")


async def holes(it: Running) -> bool:
    return bool(await it.runtime.log.pool.fetchval("SELECT count(*) FROM holes"))


async def all_is_well(it: Running) -> bool:
    return not await it.runtime.problems() and not await holes(it)


@pytest.mark.parametrize("lost", [[1], [2, 3], [0]])
async def test_what_is_missing_in_the_middle_is_filled_and_leaves_the_record(
    work: Work, bus: Bus, lost: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    async with work("worker") as it:
        id = await opened(it, counts=5)
        stream = await it.runtime.feed.contracts_of(id)
        await told(it, bus, [one for number, one in enumerate(stream) if number not in lost])
        await eventually(lambda: shows(it, id, 5))
        await eventually(lambda: all_is_well(it))

    assert "a source has a hole and stands still" in caplog.text


@pytest.mark.parametrize("there", [0, 1, 3])
async def test_what_is_missing_at_the_tail_is_found_by_the_heads(work: Work, bus: Bus, there: int) -> None:
    async with work("worker") as it:
        fine, id = await opened(it, counts=1), await opened(it, counts=5)
        await told(it, bus, await it.runtime.feed.contracts_of(fine))
        await told(it, bus, (await it.runtime.feed.contracts_of(id))[:there])
        await eventually(lambda: shows(it, id, 5))
        await eventually(lambda: all_is_well(it))
        await eventually(lambda: shows(it, fine, 1))


async def test_what_is_not_published_yet_is_not_missing(work: Work, bus: Bus) -> None:
    async with work("worker") as it:
        late, id = await opened(it, counts=1), fresh_id()
        await told(it, bus, await it.runtime.feed.contracts_of(late))
        await eventually(lambda: shows(it, late, 1))
        await commands(it).open(mandate=mandate(), id=id)
        await eventually(partial(compared, it, 2))
        assert not await shows(it, id, 0)


async def compared(it: Running, position: int) -> bool:
    """Tally and lines are compared up to here."""
    rows = await it.runtime.log.pool.fetch(
        "SELECT position FROM compared WHERE consumer IN ('tally', 'lines') AND owner = 'records'"
    )
    return [row["position"] for row in rows] == [position] * 2


async def test_a_version_that_its_owner_does_not_have_stays_on_record(work: Work, bus: Bus) -> None:
    async with work("worker") as it:
        id = await opened(it)
        await told(it, bus, await it.runtime.feed.contracts_of(id))
        forged = said(CounterCounted(by=1), subject=id, organization="north", patient=None, version=7)
        await bus.say(forged)
        problem = f"tally: {id} expects version 2, got 7 (its owner has no such version)"
        await eventually(lambda: _told_of(it, problem))
        await told(it, bus, await it.runtime.feed.contracts_of(await opened(it, counts=1)))
        assert await shows(it, id, 0)


async def _told_of(it: Running, problem: str) -> bool:
    return problem in "\n".join(await it.runtime.problems())


async def test_an_event_that_a_reaction_has_not_heard_is_answered_once(work: Work, bus: Bus) -> None:
    async with work("worker") as it:
        target = await opened(it)
        await told(it, bus, await it.runtime.feed.contracts_of(target))
        await eventually(partial(reactions_compared, it))
        cause = fresh_id()
        await commands(it).open(mandate=mandate(), id=cause, note=str(target))
        await told(it, bus, [])
        await eventually(partial(counted, it, target, 1))
        await told(it, bus, await it.runtime.feed.contracts_of(cause))
        await eventually(lambda: shows(it, cause, 0))

        assert await counted(it, target, 1)


async def test_an_event_that_was_lost_before_anything_was_compared_is_answered_too(
    work: Work, bus: Bus, database: str, tmp_path: Path
) -> None:
    """A worker may begin long after the first commands: found by the simulation, as seed 33."""
    async with running(service, database=database, home=tmp_path, kafka=bus.bootstrap) as it:
        target, cause = fresh_id(), fresh_id()
        await commands(it).open(mandate=mandate(keyed=True), id=target)
        await commands(it).open(mandate=mandate(keyed=True), id=cause, note=str(target))
        await told(it, bus, [])
    async with work("worker") as it:
        await eventually(partial(counted, it, target, 1))


@pytest.mark.parametrize("pages", ["long", "short"])
async def test_all_events_that_were_lost_are_answered_however_short_the_feeds_pages(
    work: Work, bus: Bus, monkeypatch: pytest.MonkeyPatch, pages: str
) -> None:
    if pages == "short":
        monkeypatch.setattr("shared.runtime.log.log.PAGE_BYTES", 1)
        monkeypatch.setattr("shared.runtime.feed.PAGE_BYTES", 1)
    async with work("worker") as it:
        target = await opened(it)
        await told(it, bus, await it.runtime.feed.contracts_of(target))
        await eventually(partial(reactions_compared, it))
        for _ in range(3):
            await commands(it).open(mandate=mandate(), id=fresh_id(), note=str(target))
        await told(it, bus, [])
        await eventually(partial(counted, it, target, 3))


async def counted(it: Running, id: UUID, expected: int) -> bool:
    return len(await it.runtime.log.stream(id)) - 1 == expected


async def reactions_compared(it: Running) -> bool:
    return bool(await it.runtime.log.pool.fetch("SELECT FROM compared WHERE consumer = 'carelog.records.on-counter'"))


async def test_a_service_that_was_at_work_before_begins_at_its_owners_head_and_remembers_that(
    work: Work, bus: Bus
) -> None:
    async with work("relay") as it:
        await opened(it, counts=3)
        await told(it, bus, [])
    async with work("worker") as it:
        await eventually(partial(reactions_compared, it))
        [row] = await it.runtime.log.pool.fetch("SELECT position FROM compared WHERE consumer LIKE '%.on-counter'")

    assert row["position"] == 4


async def test_what_a_missed_event_breaks_is_set_aside_as_if_it_had_come(work: Work, bus: Bus) -> None:
    async with work("worker") as it:
        await told(it, bus, await it.runtime.feed.contracts_of(await opened(it)))
        await eventually(partial(reactions_compared, it))
        cause = fresh_id()
        await commands(it).open(mandate=mandate(), id=cause, note="not an id")
        await told(it, bus, [])
        await eventually(lambda: _told_of(it, f"{cause}.1: ValueError"))


async def test_what_is_set_aside_is_told_without_what_it_says(work: Work, bus: Bus) -> None:
    bad = said(CounterOpened(limit=1), subject=fresh_id(), organization="north", patient=None)
    async with work("worker") as it:
        await bus.put(CANARY.encode(), to_headers(bad.envelope), key=bad.envelope.key)
        await eventually(lambda: _letters_written(it))
        [letter] = await bus.heard("carelog.records.tally.dlt", partitions=1)

    assert json.loads(letter.value)["event"] == bad.envelope.id
    assert json.loads(letter.value)["error"] == "Unreadable (ValueError)"
    assert dict(letter.headers)["carelog_type"] == b"records.counter.opened.v1"
    assert CANARY not in f"{letter}"


async def _letters_written(it: Running) -> bool:
    return bool(await it.runtime.log.pool.fetchval("SELECT count(*) >= 2 AND bool_and(told) FROM parked"))


async def test_a_duty_is_one_workers_until_it_gives_it_back(log: Log, other: Log) -> None:
    first, second = Duty("upkeep", log=log), Duty("upkeep", log=other)
    assert await first.mine()
    assert not await second.mine()
    assert await first.mine()
    await first.give_back()
    assert await second.mine()


async def test_a_duty_that_is_not_renewed_is_taken_over(log: Log, other: Log, database: str) -> None:
    assert await Duty("upkeep", log=log).mine()
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE duties SET renewed_at = now() - interval '31 seconds'")
    await connection.close()
    assert await Duty("upkeep", log=other).mine()
