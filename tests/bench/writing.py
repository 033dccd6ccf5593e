"""Our writer: clients that append prepared events through a log's committer, each waiting for its answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from statistics import quantiles
from time import perf_counter
from uuid import UUID

from shared.runtime.log import Log
from shared.runtime.log.rows import Append, Birth, NewEvent, Why
from shared.runtime.mandate import fresh_id
from shared.runtime.nearness import Stranger
from tests.bench.references.payload import PAYLOAD
from tests.bench.settled import settled

_LIFE = 10
"""events of one aggregate: the first gives birth, nine more must find their predecessor"""
_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_PATIENT = fresh_id()


@dataclass(frozen=True, slots=True)
class Took:
    """What a round came to."""

    rate: float
    latencies: Sequence[float]

    @property
    def p99(self) -> float:
        return p99(self.latencies)


def p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100, method="inclusive")[98]


@asynccontextmanager
async def a_log(dsn: str) -> AsyncIterator[Log]:
    """A log without doors, as the commands have it."""
    log = Log(dsn=dsn, nearness=Stranger())
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def append(log: Log, *, clients: int, events: int, keyed: bool = False) -> Took:
    """Each client appends its part of the events, one command each, one after the other. `keyed`: answers are kept."""
    prepared = [list(islice(lives(keyed=keyed), max(1, events // clients))) for _ in range(clients)]
    latencies: list[float] = []

    async def client(appends: Sequence[Append]) -> None:
        for one in appends:
            asked = perf_counter()
            await log.committer.append(one)
            latencies.append(perf_counter() - asked)

    with settled():
        began = perf_counter()
        await asyncio.gather(*(client(appends) for appends in prepared))
        return Took(len(latencies) / (perf_counter() - began), latencies)


async def append_rate(log: Log, clients: int, events: int, *, keyed: bool = False) -> float:
    """Appends a second."""
    return (await append(log, clients=clients, events=events, keyed=keyed)).rate


def lives(*, keyed: bool = False) -> Iterator[Append]:
    """The appends of one client: aggregates one after the other, each with a life of a few events."""
    while True:
        aggregate = fresh_id()
        for version in range(1, _LIFE + 1):
            yield one_append(aggregate, version, answer=b"{}" if keyed else None)


def one_append(aggregate: UUID, version: int, *, answer: bytes | None = None) -> Append:
    """One command with one event, right after its predecessor. `answer` is kept with the command's id."""
    command = fresh_id()
    why = Why(
        command=command, actor="bench", role="clinician", organization="north-clinic", purpose="TREAT", origin="live",
        correlation=command, causation=None, trace=None,
    )  # fmt: skip
    birth = Birth(key=_PATIENT, patient=_PATIENT, custodian="north-clinic", links={"encounter": str(_PATIENT)})
    event = NewEvent(
        aggregate=aggregate, version=version, name="records.counter.counted", topic="records", occurred_at=_NOW,
        birth=birth, state=PAYLOAD,
    )  # fmt: skip
    needed = ((aggregate, version - 1),) if version > 1 else ()
    return Append(why=why, events=(event,), needed=needed, answer=answer)
