"""Appends while somebody's snapshot is held open, as a report or a backup holds it: nothing may pile up for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import mean
from time import perf_counter

import asyncpg

from shared.runtime.log import Log
from tests.bench.bench import Bench, Case
from tests.bench.report import Asked, Row
from tests.bench.writing import a_log, append_rate

HELD = Asked(case="append, snapshot", figure="16 clients, one snapshot held open, to without", at_least=0.9)


async def snapshot(bench: Bench) -> AsyncIterator[Row]:
    """The last rounds of the minute, to the rounds before and after it: the table grows meanwhile, for all the same."""
    count = bench.scale.rounds
    async with bench.database() as dsn, a_log(dsn) as log:
        before = [await _round(bench, log) for _ in range(count + 1)][1:]
        async with _a_snapshot(dsn):
            until = perf_counter() + bench.scale.held
            held = [await _round(bench, log) for _ in range(count)]
            while perf_counter() < until:
                held.append(await _round(bench, log))
        after = [await _round(bench, log) for _ in range(count)]
    without = [mean(pair) for pair in zip(before, after, strict=True)]
    yield HELD.against(ours=held[-count:], reference=without, note=f"held for {bench.scale.held:g} s")


async def _round(bench: Bench, log: Log) -> float:
    return await append_rate(log, 16, bench.scale.appends // 2)


@asynccontextmanager
async def _a_snapshot(dsn: str) -> AsyncIterator[None]:
    """Is there, and has seen nothing new, when what is inside has ended: no timeout has closed it."""
    never = {"idle_in_transaction_session_timeout": "0", "transaction_timeout": "0"}
    connection = await asyncpg.connect(dsn, server_settings=never)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            seen = await connection.fetchval("SELECT count(*) FROM events")
            yield
            if await connection.fetchval("SELECT count(*) FROM events") != seen:
                raise AssertionError("the snapshot has moved")
    finally:
        await connection.close()


SNAPSHOT = Case(name="snapshot", asks=(HELD,), measure=snapshot)
