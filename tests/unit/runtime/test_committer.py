"""The committer over a connection that is made up: who goes together, who is told what, and what is counted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.kernel import Unavailable
from shared.runtime.log.committer import Appended, Committer, Conflict, Duplicate, Overloaded, Silent, Unwritable
from shared.runtime.log.rows import Append, Birth, NewEvent, Why
from shared.runtime.log.sessions import Limits
from shared.runtime.log.waiting import Waiting
from shared.runtime.mandate import fresh_id
from tests.support.scenario import SOME_TIME

_SHORT = Limits(patience=0.1)
Says = Callable[[str, list[UUID]], Any]


def an_append(
    *aggregates: UUID, version: int = 1, needs: Iterable[tuple[UUID, int]] = (), answer: bytes | None = None
) -> Append:
    """A command that says one thing of each of these."""
    command = fresh_id()
    why = Why(
        command=command, actor="alice", role="clinician", organization="north", purpose="TREAT", origin="live",
        correlation=command, causation=None, trace=None,
    )  # fmt: skip
    events = [
        NewEvent(
            aggregate=id, version=version, name="records.counter.opened", topic="records", occurred_at=SOME_TIME,
            birth=Birth(key=id, patient=None, custodian="north", links={}), state=b"{}",
        )
        for id in aggregates or [fresh_id()]
    ]  # fmt: skip
    return Append(why=why, events=events, needed=tuple(needs), answer=answer)


class Server:
    """Answers each batch as `says` does (an exception is raised), else as stored. `batches`: how many events each had,
    and by which function.
    """

    def __init__(self, says: Says = lambda function, commands: None) -> None:
        self.batches: list[tuple[str, int]] = []
        self.connected = 0
        self.open = asyncio.Event()
        self.open.set()
        self._says = says

    async def connect(self) -> Any:
        self.connected += 1
        return self

    async def fetchrow(self, sql: str, events: list[Any], *rest: Any) -> Any:
        await self.open.wait()
        function = "at once" if "at_once" in sql else "exactly"
        self.batches.append((function, len(events)))
        said = self._says(function, [event[8] for event in events])
        if isinstance(said, BaseException):
            raise said
        return {"first": 10, "at": SOME_TIME, "lost": [], "known": [], **(said or {})}

    def is_closed(self) -> bool:
        return False

    def terminate(self) -> None:
        pass

    async def close(self) -> None:
        pass


@asynccontextmanager
async def committing(server: Server, *, queue: int = 100, limits: Limits = _SHORT) -> AsyncIterator[Committer]:
    committer = Committer(connect=server.connect, queue=queue, limits=limits)
    await committer.start()
    try:
        yield committer
    finally:
        server.open.set()
        await committer.stop()


def test_what_waits_goes_together_but_no_two_that_write_the_same() -> None:
    one, other = fresh_id(), fresh_id()
    taken = [len(batch) for batch in _batches(an_append(one), an_append(other), an_append(one, other), an_append())]
    assert taken == [3, 1]


def test_those_that_only_look_at_the_same_go_together() -> None:
    patient = fresh_id()
    looks = [an_append(needs=[(patient, 3)]) for _ in range(5)]
    assert [len(batch) for batch in _batches(*looks)] == [5]
    assert [len(batch) for batch in _batches(*looks, an_append(patient, version=4))] == [5, 1]


def test_one_command_id_is_in_a_batch_once() -> None:
    said = an_append(answer=b"{}")
    assert [len(batch) for batch in _batches(said, said)] == [1, 1]


def test_large_commands_take_turns_with_all_that_is_small() -> None:
    large = [an_append(*(fresh_id() for _ in range(600))) for _ in range(3)]
    small = [an_append() for _ in range(10)]
    assert [len(batch) for batch in _batches(*large, *small)] == [1, 10, 1, 1]


def _batches(*appends: Append) -> Iterable[Any]:
    async def taken() -> list[Any]:
        waiting = Waiting(limit=100)
        for append in appends:
            waiting.put(append)
        return list(iter(waiting.take, []))

    return asyncio.run(taken())


async def test_who_is_one_too_many_is_told_so_and_a_large_one_counts_as_several() -> None:
    waiting = Waiting(limit=7)
    waiting.put(an_append(*(fresh_id() for _ in range(600))))
    with pytest.raises(Overloaded):
        waiting.put(an_append())
    assert len(waiting.take()) == 1
    waiting.put(an_append())


async def test_what_is_stored_has_the_positions_in_the_order_of_the_batch() -> None:
    async with committing(Server()) as committer:
        answers = await asyncio.gather(*(committer.append(an_append()) for _ in range(3)))
    assert answers == [Appended(first, SOME_TIME) for first in (10, 11, 12)]
    assert (committer.batches, committer.commands, committer.events, committer.waiting) == (1, 3, 3, 0)
    assert committer.seconds.count == 1


async def test_who_builds_on_a_version_that_was_passed_here_is_told_without_a_question() -> None:
    server, id = Server(), fresh_id()
    async with committing(server) as committer:
        answers = await asyncio.gather(*(committer.append(an_append(id)) for _ in range(5)), return_exceptions=True)
    assert [isinstance(answer, Conflict) for answer in answers] == [False, True, True, True, True]
    assert server.batches == [("at once", 1)]
    assert committer.conflicts == 4


async def test_a_violation_is_cleared_up_for_the_whole_batch_at_once() -> None:
    loser, known = an_append(), an_append(answer=b"first")

    def says(function: str, commands: list[UUID]) -> Any:
        if function == "at once":
            return asyncpg.UniqueViolationError()
        kept = {"command": known.why.command, "fingerprint": b"x", "outcome": "done", "answer": b"first"}
        return {"lost": [loser.why.command, known.why.command], "known": [kept]}

    server = Server(says)
    async with committing(server) as committer:
        asked = (committer.append(one) for one in (an_append(), loser, known, an_append()))
        first, lost, duplicate, last = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, last) == (Appended(10, SOME_TIME), Appended(11, SOME_TIME))
    assert isinstance(lost, Conflict)
    assert duplicate == Duplicate(b"x", "done", b"first")
    assert server.batches == [("at once", 4), ("exactly", 4)]
    assert (committer.conflicts, committer.duplicates) == (1, 1)


async def test_after_a_fight_the_next_batches_are_looked_at_first_and_then_no_more() -> None:
    fights = [asyncpg.UniqueViolationError()]
    server = Server(lambda function, commands: fights.pop() if fights else None)
    async with committing(server) as committer:
        for _ in range(20):
            await committer.append(an_append())
    functions = [function for function, _ in server.batches]
    assert functions[:3] == ["at once", "exactly", "exactly"]
    assert functions[-1] == "at once"


async def test_rows_that_cannot_be_written_fail_their_own_command_alone() -> None:
    broken = an_append()

    def says(function: str, commands: list[UUID]) -> Any:
        return asyncpg.DataError() if broken.why.command in commands else None

    async with committing(Server(says)) as committer:
        asked = (committer.append(one) for one in (an_append(), broken, an_append()))
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Appended, Unwritable, Appended]


async def test_after_a_lost_reply_another_connection_is_asked_exactly() -> None:
    losses = [ConnectionResetError()]
    server = Server(lambda function, commands: losses.pop() if losses else None)
    async with committing(server) as committer:
        await committer.append(an_append())
    assert server.batches == [("at once", 1), ("exactly", 1)]
    assert server.connected == 2


async def test_while_the_database_is_away_the_batch_and_all_who_wait_are_told_in_time() -> None:
    server = Server(lambda function, commands: ConnectionRefusedError())
    async with committing(server) as committer:
        tried = asyncio.create_task(committer.append(an_append()))
        await asyncio.sleep(0)
        behind = asyncio.create_task(committer.append(an_append()))
        answers = await asyncio.gather(tried, behind, return_exceptions=True)
        assert committer.alive
    assert [isinstance(answer, Unavailable) for answer in answers] == [True, True]
    assert isinstance(answers[0], Silent)


async def test_who_gave_up_waiting_is_not_written() -> None:
    server = Server()
    server.open.clear()
    async with committing(server) as committer:
        first = asyncio.create_task(committer.append(an_append()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone = asyncio.create_task(committer.append(an_append()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        server.open.set()
        await first
        await committer.append(an_append())
    assert server.batches == [("at once", 1), ("at once", 1)]
