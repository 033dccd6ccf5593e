"""A projection alone, into JSONB; and its rebuild, from Apache Kafka's topic to the switch, against that."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from time import perf_counter

from deploy.embedded.issuer import ISSUER
from shared.contracts.envelope import Contract
from shared.runtime.bus.topics import ensure_topics
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.operating.operated import Operated
from shared.runtime.operating.projections import rebuilds
from shared.runtime.projecting import applier
from shared.runtime.runtime import TOPICS
from tests.bench.bench import Bench, Case
from tests.bench.counting import service as counting
from tests.bench.kafka import coordinated, without
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.settled import settled
from tests.bench.told import births, hot, in_batches, tell
from tests.bench.writing import a_log
from tests.support.counters import Tally

_HOT = 100
_BESIDE = 1_000
"""the first number of the generations that no rebuild comes to"""

NEW = Asked(case="projection alone", figure="a new document for each event, JSONB", unit="/s", at_least=25_000)
ROWS = Asked(case="projection alone", figure="100 hot documents, JSONB", unit="/s", at_least=50_000)
REBUILD = Asked(
    case="rebuild", figure="from the topic until it is compared and switched, to the projection alone", at_least=0.5,
    tried="to read a message back takes longer than to apply it; three readers share one process",
)  # fmt: skip


async def alone(bench: Bench) -> AsyncIterator[Row]:
    """Contracts that are in memory are applied in batches of a consumer's size, each time to an empty collection."""
    async with bench.database() as dsn, _documents(dsn) as store:
        numbers = count(1)
        told = births(bench.scale.events), hot(bench.scale.events, documents=min(_HOT, bench.scale.events // 2))
        new, rows = await interleaved(
            min(5, bench.scale.rounds), *(partial(_applied, store, one, numbers) for one in told)
        )
    yield NEW.alone(*new, note="holds where the append figure of the same run holds")
    yield ROWS.alone(*rows)


async def rebuild(bench: Bench) -> AsyncIterator[Row]:
    """The live generation stands already; each round rebuilds it once."""
    told = births(bench.scale.events)
    await without(*TOPICS, bootstrap=bench.kafka)
    await ensure_topics(bootstrap=bench.kafka, names=TOPICS, replicas=1)
    await coordinated(bootstrap=bench.kafka)
    await tell(told, bootstrap=bench.kafka)
    async with bench.database() as dsn, a_log(dsn), _documents(dsn) as store:
        await _applied(store, told, iter([1]))
        ours, projected = await interleaved(
            min(5, bench.scale.rounds),
            partial(_rebuilt, _operated(dsn, bench.kafka), len(told)),
            partial(_applied, store, told, count(_BESIDE)),
        )
    yield REBUILD.against(ours=ours, reference=projected, note=f"{len(told):,} events")


async def _applied(store: PostgresDocuments, told: Sequence[Contract], numbers: Iterator[int]) -> float:
    """Events a second."""
    applies = applier(Tally(), store=store, generation=next(numbers))
    for collection in applies.collections:
        await store.prepare(collection)
    with settled():
        began = perf_counter()
        for batch in in_batches(told):
            if await applies.apply(batch):
                raise AssertionError("there is a hole where none was made")
        return len(told) / (perf_counter() - began)


async def _rebuilt(of: Operated, events: int) -> float:
    async with rebuilds(of, Tally()) as one:
        with settled():
            began = perf_counter()
            done = await one.run()
            took = perf_counter() - began
    if not done.switched or done.comparison.equal != events:
        raise AssertionError("the rebuilt generation is another one")
    return events / took


def _operated(dsn: str, kafka: str) -> Operated:
    settings = counting.settings(postgres=dsn, kafka=kafka, port=0, issuer=ISSUER, issuer_keys="none")
    return Operated(service=counting, settings=settings)


@asynccontextmanager
async def _documents(dsn: str) -> AsyncIterator[PostgresDocuments]:
    store = await PostgresDocuments.open(dsn=dsn)
    try:
        yield store
    finally:
        await store.close()


PROJECTING = (
    Case(name="projection", asks=(NEW, ROWS), measure=alone),
    Case(name="rebuild", asks=(REBUILD,), measure=rebuild),
)
