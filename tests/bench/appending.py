"""Appends against the fastest plain writers: pgbench with a row a transaction, asyncpg with a hundred."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from statistics import median
from time import perf_counter

from shared.runtime.log import Log
from shared.runtime.mandate import fresh_id
from tests.bench.bench import Bench, Case
from tests.bench.counting import NOTE
from tests.bench.references import rows, unnest
from tests.bench.references.pgbench import Pgbench
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import a_log, append, append_rate, p99
from tests.support.counter import mandate
from tests.support.counters import Commands

_LIFE = 10
_CLIENTS = (1, 2, 4, 8, 16, 32, 64)

SIXTEEN = Asked(case="append", figure="16 clients, one event each, to pgbench -c16", at_least=1.0)
MANY = Asked(
    case="append", figure="64 clients, to asyncpg unnest of 100 rows a transaction", at_least=0.5,
    tried="eighteen columns a row against four, and a look for each predecessor; arrays of rows and structs helped,"
    " batches of half of those who wait did not",
)  # fmt: skip
ALONE = Asked(case="append", figure="1 client, to pgbench -c1", at_least=0.4)
WAITING = Asked(case="append", figure="p99 at 16 clients, to that of pgbench -c16", at_most=4.0)
KEYED = Asked(case="append", figure="16 clients, answers kept by command id, to pgbench -c16 with that third key")
CROWD = Asked(case="append", figure="64 clients, to pgbench -c64")
WHOLE = Asked(case="append", figure="16 clients, whole commands (load, ask, append), to pgbench -c16")


async def appending(bench: Bench) -> AsyncIterator[Row]:
    """At the committer, with prepared appends; once with whole commands, for orientation."""
    count = bench.scale.appends
    async with bench.database() as dsn, a_log(dsn) as log:
        pgbench = Pgbench(dsn=dsn)
        ours, theirs = await interleaved(
            bench.scale.rounds, partial(append_rate, log, 16, count), partial(pgbench.rate, clients=16, rows=count)
        )
        yield SIXTEEN.against(ours=ours, reference=theirs)
        ours, theirs = await interleaved(
            bench.scale.rounds, partial(append_rate, log, 16, count, keyed=True),
            partial(Pgbench(dsn=dsn, table=rows.KEYED).rate, clients=16, rows=count),
        )  # fmt: skip
        yield KEYED.against(ours=ours, reference=theirs)
        ours, theirs = await interleaved(
            bench.scale.rounds, partial(append_rate, log, 64, count), partial(unnest.rate, dsn=dsn, rows=2 * count)
        )
        yield MANY.against(ours=ours, reference=theirs)
        ours, theirs = await interleaved(
            bench.scale.rounds,
            partial(append_rate, log, 1, count // 8),
            partial(pgbench.rate, clients=1, rows=count // 4),
        )
        yield ALONE.against(ours=ours, reference=theirs)
        yield await _waiting(bench, log, pgbench)
        ours, theirs = await interleaved(
            bench.scale.rounds, partial(whole, log, clients=16, events=count // 4),
            partial(pgbench.rate, clients=16, rows=count // 2),
        )  # fmt: skip
        yield WHOLE.against(ours=ours, reference=theirs)


async def whole(log: Log, *, clients: int, events: int) -> float:
    """Commands a second through `Log.run`: counters that are opened, loaded, counted."""
    commands = Commands(log=log)

    async def client() -> None:
        for _ in range(max(1, events // clients // _LIFE)):
            counter = fresh_id()
            await commands.open(mandate=mandate(), id=counter, note=NOTE)
            for _ in range(_LIFE - 1):
                await commands.count(mandate=mandate(), id=counter)

    began = perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return clients * max(1, events // clients // _LIFE) * _LIFE / (perf_counter() - began)


async def by_clients(bench: Bench) -> AsyncIterator[Row]:
    """How the rates grow with the clients, for the plot; the last of them is a row."""
    async with bench.database() as dsn, a_log(dsn) as log:
        rounds = {clients: await _by(clients, bench, log, Pgbench(dsn=dsn)) for clients in _CLIENTS}
    for place, name in enumerate(("ours", "pgbench")):
        bench.throughputs[name] = {clients: median(sides[place]) for clients, sides in rounds.items()}
    ours, theirs = rounds[_CLIENTS[-1]]
    yield CROWD.against(ours=ours, reference=theirs)


async def _by(clients: int, bench: Bench, log: Log, pgbench: Pgbench) -> tuple[list[float], list[float]]:
    rows = bench.scale.appends * min(clients, 8) // 8
    return await interleaved(
        min(3, bench.scale.rounds),
        partial(append_rate, log, clients, rows),
        partial(pgbench.rate, clients=clients, rows=rows),
    )


async def _waiting(bench: Bench, log: Log, pgbench: Pgbench) -> Row:
    """How long the slowest hundredth waits; the distributions are kept for the plot."""

    async def ours() -> list[float]:
        return [*(await append(log, clients=16, events=bench.scale.appends)).latencies]

    async def theirs() -> list[float]:
        return [*await pgbench.latencies(clients=16, rows=bench.scale.appends)]

    rounds = await interleaved(bench.scale.rounds, ours, theirs)
    names = ("ours, 16 clients", "pgbench, 16 clients")
    bench.distributions.update({name: side[-1] for name, side in zip(names, rounds, strict=True)})
    slowest = [[p99(latencies) * 1_000 for latencies in side] for side in rounds]
    return WAITING.against(ours=slowest[0], reference=slowest[1], unit="ms")


APPENDING = (
    Case(name="append", asks=(SIXTEEN, KEYED, MANY, ALONE, WAITING, WHOLE), measure=appending),
    Case(name="clients", asks=(CROWD,), measure=by_clients),
)
