"""The same work on a log of ten million events and on one of ten thousand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import cycle, islice
from shutil import disk_usage
from time import perf_counter
from uuid import UUID

import asyncpg

from shared.runtime.log import Log
from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.references.payload import PAYLOAD
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import a_log, append_rate

_SHALLOW = 10_000
_LIFE = 10
_AT_ONCE = 200_000
_CLIENTS = 16
_READ = 2_000
"""aggregates that are read, from all over the log"""
_BYTES = 1_600
"""of one event with its command, indexes and what is written ahead, generously"""

# Ids in the order of time, ten events of an aggregate, every command with its row: as the log would have them.
_FILL = """
WITH lives AS MATERIALIZED (SELECT n, uuidv7() AS id FROM generate_series(0, $2::bigint / $4 - 1) AS n),
     filled AS MATERIALIZED (
         SELECT $1::bigint + l.n * $4 + v AS position, l.id AS aggregate, v AS version, uuidv7() AS command
         FROM lives l, generate_series(1, $4::integer) AS v),
     told AS (
         INSERT INTO commands (command, recorded_at, fingerprint, outcome, answer)
         SELECT command, clock_timestamp(), '', 'done', '{}' FROM filled)
INSERT INTO events (position, aggregate, version, name, topic, key, patient, organization, recorded_at, occurred_at,
                    command, actor, role, purpose, origin, links, correlation, state)
SELECT position, aggregate, version, 'records.counter.counted', 'records', aggregate, aggregate, 'north-clinic',
       clock_timestamp(), clock_timestamp(), command, 'bench', 'clinician', 'TREAT', 'live', '{}', command, $3
FROM filled ORDER BY position
"""
_SOME = """
SELECT DISTINCT e.aggregate FROM generate_series(1, $1) AS n
JOIN events e ON e.position = 1 + (n * $2::bigint / $1) % $2
"""

APPEND = Asked(
    case="depth", figure="append, 16 clients: what it takes in a large log, to 10 thousand events", at_most=1.5
)
READ = Asked(case="depth", figure="stream read: what it takes in a large log, to 10 thousand events", at_most=1.5)


async def depth(bench: Bench) -> AsyncIterator[Row]:
    """The large log is filled by the database itself, analysed as autovacuum would, and gone afterwards."""
    deep, count = bench.scale.deep, bench.scale.appends // 2
    _check_room(bench)
    async with (
        bench.database() as deep_dsn,
        bench.database() as shallow_dsn,
        a_log(deep_dsn) as large,
        a_log(shallow_dsn) as small,
    ):
        await _fill(deep_dsn, deep)
        await _fill(shallow_dsn, min(_SHALLOW, deep))
        note = f"{deep:,} events, {await _size(deep_dsn)}"
        fast, slow = await interleaved(
            bench.scale.rounds,
            partial(append_rate, small, _CLIENTS, count, keyed=True),
            partial(append_rate, large, _CLIENTS, count, keyed=True),
        )
        yield APPEND.against(ours=_micros(slow), reference=_micros(fast), unit="us", note=note)
        reads = [partial(_reads, log, await _some(log)) for log in (small, large)]
        fast, slow = await interleaved(bench.scale.rounds, *reads)
        yield READ.against(ours=_micros(slow), reference=_micros(fast), unit="us", note=note)


def _micros(rates: Sequence[float]) -> list[float]:
    """What each of them took."""
    return [1e6 / rate for rate in rates]


def _check_room(bench: Bench) -> None:
    free = disk_usage(bench.home).free
    if free < 1.5 * bench.scale.deep * _BYTES:
        raise NotPossible(f"a log of {bench.scale.deep:,} events needs more than the {free / 2**30:.0f} GiB there are")


async def _fill(dsn: str, events: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if connection.get_server_version().major < 18:
            raise NotPossible("PostgreSQL makes time-ordered ids since 18")
        for first in range(0, events, _AT_ONCE):
            await connection.execute(_FILL, first, min(_AT_ONCE, events - first), PAYLOAD, _LIFE)
        await connection.execute("VACUUM ANALYZE events, commands")
    finally:
        await connection.close()


async def _size(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))"))
    finally:
        await connection.close()


async def _some(log: Log) -> Sequence[UUID]:
    """Aggregates from all over the log."""
    rows = await log.pool.fetch(_SOME, _READ, await log.head())
    return [row["aggregate"] for row in rows]


async def _reads(log: Log, ids: Sequence[UUID]) -> float:
    """Streams a second, by as many readers as the appends have clients."""
    wanted = list(islice(cycle(ids), _READ))

    async def reader(part: Sequence[UUID]) -> None:
        for id in part:
            await log.stream(id)

    began = perf_counter()
    await asyncio.gather(*(reader(wanted[number::_CLIENTS]) for number in range(_CLIENTS)))
    return len(wanted) / (perf_counter() - began)


DEPTH = Case(name="depth", asks=(APPEND, READ), measure=depth)
