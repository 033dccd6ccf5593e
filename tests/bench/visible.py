"""From a command to its visible document, over Apache Kafka: how many a second, and how long it takes at some rate."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter
from uuid import UUID

from shared.runtime.mandate import fresh_id
from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.counting import NOTE
from tests.bench.pipeline import CLIENTS, DOCUMENTS, Ours, end_to_end, ours
from tests.bench.references.idiomatic.pipeline import idiomatic
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import p99
from tests.support.counter import mandate
from tests.support.counters import Commands
from tests.support.engines import choice
from tests.support.engines.ferretdb import NativeFerretDB

_SEEN = f"SELECT id FROM {DOCUMENTS} WHERE id = ANY($1)"
_LOOK = 0.002
"""seconds between two looks of a reader: an eighth of that, and it would take the machine from those it watches"""

WHOLE = Asked(
    case="end to end", figure="command to visible document, Apache Kafka, JSONB, to the idiomatic pipeline",
    at_least=10,
)  # fmt: skip
MONGODB = Asked(
    case="end to end", figure="command to visible document, Apache Kafka, MongoDB, to the idiomatic pipeline on JSONB",
    at_least=10,
)  # fmt: skip
_TRIED = (
    "clients, PostgreSQL, relay, Kafka and worker fill nine tenths of two cores at this rate; fewer batches and commits"
    " helped, a pause in consumers did not"
)
HALF = Asked(
    case="submit to visible", figure="p50 at the offered rate, Apache Kafka", unit="ms", at_most=10, tried=_TRIED
)
SLOWEST = Asked(
    case="submit to visible", figure="p99 at the offered rate, Apache Kafka", unit="ms", at_most=50, tried=_TRIED
)


async def whole(bench: Bench) -> AsyncIterator[Row]:
    """Documents in JSONB, as in the pipeline that is compared."""
    yield await _compared(bench, WHOLE, documents="postgres")


async def mongodb(bench: Bench) -> AsyncIterator[Row]:
    """The same with documents in MongoDB."""
    engine = choice.mongodb(run=bench.home)
    if isinstance(engine, NativeFerretDB):
        raise NotPossible("no MongoDB answers; the server that stands in for it shows what is right, not what is fast")
    engine.start()
    try:
        yield await _compared(bench, MONGODB, documents=engine.address)
    finally:
        engine.stop()


async def _compared(bench: Bench, asked: Asked, *, documents: str) -> Row:
    """Both pipelines stand; the one that is not measured has nothing to do."""
    scale = bench.scale
    async with (
        bench.database() as dsn,
        bench.database() as other,
        ours(bench, dsn=dsn, name=asked.case.replace(" ", "_"), documents=documents) as mine,
        idiomatic(dsn=other, kafka=bench.kafka, folder=bench.folder("idiomatic")) as theirs,
    ):
        for pipeline in (mine, theirs):
            await end_to_end(pipeline, count=CLIENTS, note=NOTE)
        measured = await interleaved(
            scale.rounds,
            partial(end_to_end, mine, count=max(CLIENTS, scale.commands // CLIENTS * CLIENTS), note=NOTE),
            partial(end_to_end, theirs, count=scale.idiomatic, note=NOTE),
            warm=False,
        )
        return asked.against(ours=measured[0], reference=measured[1])


async def offered(bench: Bench) -> AsyncIterator[Row]:
    """Commands come when they are due, whether earlier ones are done or not; each is timed from when it was due."""
    rate, seconds = bench.scale.offered
    async with bench.database() as dsn, ours(bench, dsn=dsn, name="offered") as pipeline:
        await _offer(pipeline, rate=rate, seconds=min(2.0, seconds))
        rounds = [await _offer(pipeline, rate=rate, seconds=seconds) for _ in range(min(3, bench.scale.rounds))]
    note = f"{rate:,} commands a second for {seconds:g} s"
    yield HALF.alone(*(median(took) * 1_000 for took in rounds), note=note)
    yield SLOWEST.alone(*(p99(took) * 1_000 for took in rounds), note=note)
    bench.distributions["command to visible document, at the offered rate"] = rounds[-1]


@dataclass(slots=True)
class _Watch:
    """A reader who looks for the documents that are still to come."""

    pipeline: Ours
    due: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)

    async def look(self) -> None:
        if not self.due:
            return
        seen = await self.pipeline.connection.fetch(_SEEN, list(self.due))
        now = perf_counter()
        self.took += [now - self.due.pop(row["id"]) for row in seen]


async def _offer(pipeline: Ours, *, rate: int, seconds: float) -> list[float]:
    """The seconds that each command took until a reader saw its document."""
    count = int(rate * seconds)
    commands, watch = Commands(log=pipeline.log), _Watch(pipeline)

    async def one(id: UUID) -> None:
        await commands.open(mandate=mandate(), id=id, note=NOTE)

    async def send() -> None:
        async with asyncio.TaskGroup() as under_way:
            for number in range(count):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
                id = fresh_id()
                watch.due[str(id)] = due
                under_way.create_task(one(id))

    began = perf_counter()
    sending = asyncio.create_task(send())
    while len(watch.took) < count:
        await watch.look()
        await asyncio.sleep(_LOOK)
        if sending.done():
            sending.result()
    return watch.took


VISIBLE = (
    Case(name="end-to-end", asks=(WHOLE,), measure=whole),
    Case(name="mongodb", asks=(MONGODB,), measure=mongodb),
    Case(name="offered", asks=(HALF, SLOWEST), measure=offered),
)
