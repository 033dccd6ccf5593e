"""Timers: fired once, by the database's clock, also when the process ends between the command and its note of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.kernel import Unavailable
from shared.runtime.log import Log
from shared.runtime.mandate import Mandate, fresh_id
from shared.runtime.timers import Timers
from tests.integration.runtime.asking import mandate, opened
from tests.integration.runtime.conftest import Work
from tests.support.counters import Commands
from tests.support.harness import eventually

PAST = timedelta(seconds=-1)


@pytest.fixture
def commands(log: Log) -> Commands:
    return Commands(log=log)


@pytest.fixture
def timers(log: Log, commands: Commands) -> Timers:
    return timers_of(log, commands)


def timers_of(log: Log, commands: object) -> Timers:
    return Timers(log=log, service="records", actions={"ring": "clinical.amend"}, commands=commands)


async def ringing(log: Log, commands: Commands, *, after: timedelta = PAST, limit: int = 9) -> UUID:
    """A counter whose timer is due so long from now, by the database's clock."""
    now: datetime = await log.pool.fetchval("SELECT now()")
    id = fresh_id()
    await commands.open(mandate=mandate(), id=id, limit=limit, rings=now + after)
    return id


async def versions(log: Log, id: UUID) -> int:
    return len(await log.stream(id))


async def waiting(log: Log) -> int:
    return int(await log.pool.fetchval("SELECT count(*) FROM timers"))


async def test_what_is_due_fires_once_and_is_gone(log: Log, commands: Commands, timers: Timers) -> None:
    id = await ringing(log, commands)
    assert [await timers.sweep(), await timers.sweep()] == [1, 0]

    assert (await versions(log, id), await waiting(log)) == (2, 0)


async def test_what_is_not_due_waits(log: Log, commands: Commands, timers: Timers) -> None:
    id = await ringing(log, commands, after=timedelta(hours=1))
    assert await timers.sweep() == 0

    assert (await versions(log, id), await waiting(log)) == (1, 1)


async def test_the_databases_clock_counts_and_not_the_process_s(
    log: Log, commands: Commands, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's clock is a day ahead; nothing is due for that."""

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz or UTC) + timedelta(days=1)

    id = await ringing(log, commands, after=timedelta(hours=1))
    monkeypatch.setattr("shared.runtime.mandate.datetime", Tomorrow)
    await timers.sweep()

    assert await versions(log, id) == 1


async def test_ended_between_the_command_and_its_note_it_fires_again_without_effect(
    log: Log, commands: Commands, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await ringing(log, commands)

    async def cut_off(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(timers, "_done", cut_off)
    with pytest.raises(Unavailable):
        await timers.sweep()
    assert (await versions(log, id), await waiting(log)) == (2, 1)
    await timers_of(log, commands).sweep()

    assert (await versions(log, id), await waiting(log)) == (2, 0)


async def test_two_workers_fire_it_once(log: Log, other: Log, commands: Commands, timers: Timers) -> None:
    ids = [await ringing(log, commands, limit=1) for _ in range(10)]
    await asyncio.gather(timers.sweep(), timers_of(other, Commands(log=other)).sweep())

    assert {await versions(log, id) for id in ids} == {2}
    assert await waiting(log) == 0


async def test_a_refused_command_ends_its_timer(log: Log, commands: Commands, timers: Timers) -> None:
    id = await ringing(log, commands, limit=0)
    await timers.sweep()

    assert (await versions(log, id), await waiting(log)) == (1, 0)


async def test_a_timer_that_is_set_anew_while_it_fires_stays(log: Log, commands: Commands, timers: Timers) -> None:
    id = await ringing(log, commands)

    class SetsItAnew:
        async def ring(self, *, mandate: Mandate, aggregate: UUID) -> None:
            await log.pool.execute("UPDATE timers SET due_at = now() + interval '1 hour'")

    await timers_of(log, SetsItAnew()).sweep()

    assert (await versions(log, id), await waiting(log)) == (1, 1)


async def test_one_broken_timer_does_not_stop_the_others(log: Log, commands: Commands) -> None:
    broken, fine = await ringing(log, commands), await ringing(log, commands)

    class Broken:
        async def ring(self, *, mandate: Mandate, aggregate: UUID) -> object:
            if aggregate == broken:
                raise KeyError(aggregate)
            return await commands.ring(mandate=mandate, aggregate=aggregate)

    await timers_of(log, Broken()).sweep()

    assert (await versions(log, broken), await versions(log, fine), await waiting(log)) == (1, 2, 1)


@pytest.mark.parametrize("error", [KeyError, Unavailable])
async def test_more_broken_timers_than_are_swept_at_once_do_not_stop_the_others(
    log: Log, commands: Commands, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr("shared.runtime.timers._AT_ONCE", 3)
    broken = {await ringing(log, commands, after=2 * PAST) for _ in range(4)}
    fine = await ringing(log, commands)
    sweeping = timers_of(log, Failing(commands, broken, error))
    await eventually(lambda: _swept_until_rung(sweeping, log, fine))

    assert await waiting(log) == 4
    tries = await log.pool.fetch("SELECT tries FROM timers")
    assert min(row["tries"] for row in tries) >= 1


async def _swept_until_rung(timers: Timers, log: Log, id: UUID) -> bool:
    await timers.sweep()
    return await _rung(log, id)


class Failing:
    """Commands that fail for some."""

    def __init__(self, commands: Commands, broken: set[UUID], error: type[Exception]) -> None:
        self._commands = commands
        self._error = error
        self.broken = broken

    async def ring(self, *, mandate: Mandate, aggregate: UUID) -> object:
        if aggregate in self.broken:
            raise self._error
        return await self._commands.ring(mandate=mandate, aggregate=aggregate)


async def test_a_broken_timer_is_tried_again_after_a_pause_and_at_once_when_set_anew(
    log: Log, commands: Commands
) -> None:
    id = await ringing(log, commands)
    failing = Failing(commands, {id}, KeyError)
    sweeping = timers_of(log, failing)
    assert [await sweeping.sweep(), await sweeping.sweep()] == [1, 0]
    failing.broken = set()
    await log.pool.execute("UPDATE timers SET retry_at = now() + interval '1 hour'")
    assert await sweeping.sweep() == 0
    await log.pool.execute("UPDATE timers SET due_at = now()")
    assert await sweeping.sweep() == 1

    assert (await versions(log, id), await waiting(log)) == (2, 0)


async def test_who_fires_is_the_service_for_the_custodian(log: Log, commands: Commands, timers: Timers) -> None:
    id = await ringing(log, commands)
    await timers.sweep()
    rung = (await log.stream(id))[-1]

    assert (rung.actor, rung.role, rung.organization) == ("carelog:records", "system", "north")
    assert rung.causation == f"{id}.1"


async def test_a_worker_fires_what_comes_due(work: Work) -> None:
    async with work("worker") as it:
        due = await it.runtime.log.pool.fetchval("SELECT now() + interval '1 second'")
        id = await opened(it, rings=due)
        await eventually(lambda: _rung(it.runtime.log, id))
        first, second = await it.runtime.log.stream(id)

    assert second.recorded_at >= due > first.recorded_at


async def _rung(log: Log, id: UUID) -> bool:
    return await versions(log, id) == 2
