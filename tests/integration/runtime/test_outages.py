"""What goes away and comes back: the broker, the database's sessions, a part of a stream. Nothing is lost."""

from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg

from shared.contracts.envelope import from_headers
from shared.kernel import Unavailable
from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import commands, mandate, opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import CounterCounted, CounterOpened, service
from tests.support.harness import Bus, a_bus, eventually, working
from tests.support.running import Running, said


async def test_while_the_broker_is_away_commands_go_on_and_come_later(database: str, tmp_path: Path) -> None:
    async with a_bus(tmp_path / "broker") as bus:
        port = int(bus.bootstrap.rsplit(":", 1)[1])
        at_work = working(service, database=database, bus=bus, home=tmp_path)
        it = await at_work.__aenter__()
        first = await opened(it, counts=1)
        await eventually(lambda: shows(it, first, 1))
    try:
        ids = [await opened(it, counts=2) for _ in range(10)]
        assert not any((await it.runtime.ready()).values())
        async with a_bus(tmp_path / "broker", port=port) as bus:
            for id in ids:
                await eventually(partial(shows, it, id, 2), within=60)
            envelopes = [from_headers(one.headers, key=one.key) for one in await bus.heard()]
            assert {one.id for one in envelopes} >= {f"{id}.{n}" for id in ids for n in (1, 2, 3)}
            assert await it.runtime.problems() == []
    finally:
        await at_work.__aexit__(None, None, None)


async def test_when_every_session_of_the_database_is_cut_all_of_it_goes_on(work: Work) -> None:
    async with work() as it:
        done = [await opened(it, counts=1)]
        await eventually(lambda: shows(it, done[0], 1))
        for _ in range(3):
            await _cut_every_session(it.runtime.settings.postgres)
            done.append(await eventually(lambda: _opened_again(it)))
        for id in done:
            await eventually(partial(shows_soon, it, id, 1), within=60)
        await eventually(lambda: _fine(it))


async def _cut_every_session(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def _opened_again(it: Running) -> UUID | None:
    """As a caller does who is told to come again; the same command each time."""
    try:
        return await opened(it, counts=1)
    except Unavailable:
        return None


async def shows_soon(it: Running, id: UUID, total: int) -> bool:
    try:
        return await shows(it, id, total)
    except Unavailable:
        return False


async def _fine(it: Running) -> bool:
    return not await it.runtime.problems() and not any((await it.runtime.alive()).values())


async def test_a_hole_in_a_stream_stops_that_source_on_record_and_no_other(work: Work, bus: Bus) -> None:
    lost = fresh_id()
    facts = [CounterOpened(limit=9), *(CounterCounted(by=1) for _ in range(3))]
    stream = [said(one, subject=lost, organization="north", patient=None, version=n) for n, one in enumerate(facts, 1)]
    async with work() as it:
        await bus.say(stream[0], stream[2], stream[3])
        await eventually(lambda: _problems(it, 2))
        fine = await opened(it, counts=3)
        await eventually(lambda: shows(it, fine, 3))

        assert await shows(it, lost, 0)
        assert [line.split(" (")[0] for line in sorted(await it.runtime.problems())] == [
            f"{name}: {lost} expects version 2, got 4" for name in ("lines", "tally")
        ]
        await bus.say(*stream[1:])
        await eventually(lambda: shows(it, lost, 3))
        await eventually(lambda: _fine(it))


async def test_what_no_consumer_understands_is_on_record_and_ends_no_service(work: Work, bus: Bus) -> None:
    async with work() as it:
        await bus.put(b"not JSON", [], key="someone")
        problems = await eventually(lambda: _problems(it, 4))
        await eventually(lambda: _counted(it))

    consumers = ("lines", "on-counter", "relations", "tally")
    assert [line.split(" ", 1)[0] for line in problems] == [f"carelog.records.{name}:" for name in consumers]
    assert all(line.endswith("?: Unreadable (no type) (0 behind it)") for line in problems)


async def _problems(it: Running, number: int) -> list[str] | None:
    found = list(await it.runtime.problems())
    return found if len(found) == number else None


async def _counted(it: Running) -> bool:
    """On some partition that goes on."""
    id = fresh_id()
    await commands(it).open(mandate=mandate(), id=id)
    try:
        await eventually(lambda: shows(it, id, 0), within=3)
    except TimeoutError:
        return False
    return True
