"""Commands against the log, in two processes at once, and while the database goes away and comes back."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.kernel import Unavailable
from shared.runtime.log import Log
from shared.runtime.mandate import Done
from tests.integration.runtime.asking import Known, counted, mandate, opened_in
from tests.support.counter import Full
from tests.support.harness import eventually

# one command, one answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"expected": 1}], ids=["plain", "with If-Match"])
async def test_the_same_command_in_two_processes_has_the_first_ones_answer(log: Log, other: Log, more: Any) -> None:
    """The counter is full after one: whoever comes second would be refused, were it another command."""
    id, said = await opened_in(log, limit=1), mandate(keyed=True, **more)
    first: list[Done] = []

    async def the_other_is_faster() -> None:
        if not first:
            first.append(await counted(other, id, by=said))

    second = await counted(log, id, by=said, before=the_other_is_faster)

    assert (second.answer, second.changed, second.repeated) == (first[0].answer, first[0].changed, True)
    assert len(await log.stream(id)) == 2


async def test_a_command_refused_in_two_processes_is_refused_in_both(log: Log, other: Log) -> None:
    id, said = await opened_in(log, limit=0), mandate(keyed=True)
    answers = await asyncio.gather(*(counted(one, id, by=said) for one in (log, other)), return_exceptions=True)

    assert [getattr(one, "code", "") for one in answers] == ["Full", "Full"]


async def test_a_refusal_without_a_key_is_not_kept(log: Log) -> None:
    id = await opened_in(log, limit=0)
    with pytest.raises(Full):
        await counted(log, id)

    assert await log.pool.fetchval("SELECT count(*) FROM commands WHERE outcome = 'refused'") == 0


async def test_fifty_commands_with_one_key_in_two_processes_have_one_effect_and_one_answer(
    log: Log, other: Log
) -> None:
    id, said = await opened_in(log, limit=1), mandate(keyed=True)
    answers = await asyncio.gather(*(counted(one, id, by=said) for one in (log, other) for _ in range(25)))

    assert {str(one.answer) for one in answers} == {"{'total': 1}"}
    assert len(await log.stream(id)) == 2


# a database that goes away ------------------------------------------------------------------------------------------


async def test_reads_and_commands_without_a_database_are_unavailable_and_come_back(log: Log) -> None:
    id = await opened_in(log)
    for _ in range(3):
        await _cut_all(log)
        answers = await asyncio.gather(*(log.stream(id) for _ in range(8)), return_exceptions=True)
        assert {type(one) for one in answers} <= {list, Unavailable}
        await eventually(lambda: _answered(log, id))
    await counted(log, id)

    assert len(await log.stream(id)) == 2


async def test_a_command_cut_off_in_the_middle_is_unavailable_or_done(log: Log, other: Log) -> None:
    ids = [await opened_in(log) for _ in range(20)]
    asked = [asyncio.create_task(counted(log, id)) for id in ids]
    await _cut_all(other)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await eventually(lambda: _answered(log, ids[0]))

    assert {type(one) for one in answers} <= {Done, Unavailable}
    for id, answer in zip(ids, answers, strict=True):
        assert len(await log.stream(id)) == (2 if isinstance(answer, Done) else 1)


async def _cut_all(log: Log) -> None:
    """Every connection to this database but the one that says so is ended by the server."""
    connection = await asyncpg.connect(log._sessions.dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def _answered(log: Log, id: UUID) -> bool:
    try:
        return bool(await log.stream(id))
    except Unavailable:
        return False


async def test_what_is_under_way_when_the_process_stops_is_answered(database: str, known: Known) -> None:
    log = Log(dsn=database, nearness=known)
    await log.start()
    connection = log.committer.writing.connection
    under_way = asyncio.Event()

    class Slow:
        """Lets the process begin to stop before it commits."""

        def is_closed(self) -> bool:
            return False

        async def fetchrow(self, *arguments: Any) -> Any:
            under_way.set()
            await asyncio.sleep(0)
            return await connection.fetchrow(*arguments)

        async def close(self) -> None:
            await connection.close()

    log.committer.writing.connection = Slow()
    asked = asyncio.create_task(opened_in(log))
    await under_way.wait()
    await log.stop()

    assert isinstance(await asyncio.wait_for(asked, 5), UUID)
