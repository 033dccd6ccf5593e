"""What would come of it if what is set aside were tried again: on copies, in order, and nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.envelope import Envelope
from shared.runtime.bus.listening import Listener, Unreadable, read
from shared.runtime.bus.parking import record_of, why
from shared.runtime.bus.wire import Record
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Documents as Store
from shared.runtime.documents.port import Write
from shared.runtime.operating.operated import Operated, Stores
from shared.runtime.operating.parked import Aside
from shared.runtime.projecting import Applier, applier
from shared.runtime.projection import Journal, Projection
from shared.runtime.rebuild.filling import Refill

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`applied` messages would go through; then `error` (none: all do). `says`: what it was tried on."""

    aside: Aside
    applied: int
    error: str
    says: str


async def tried(of: Operated, database: Any, stores: Stores, aside: Aside) -> Outcome:
    """Raises what the engines raise."""
    records = await _records(database, aside)
    projection = _projection(of, aside.consumer)
    if projection is None:
        readable, error = _readable(records, _Reacting(of, aside.consumer))
        return Outcome(aside=aside, applied=readable, error=error, says="read; the reaction itself is asked in earnest")
    generation = int(aside.consumer.partition("~")[2] or 1)
    copies = MemoryDocuments()
    applies = applier(projection, store=copies, generation=generation)
    await _copy(projection, records, applies, stores.of(projection), copies)
    applied, error = await _applied(records, Refill(projection, applier=applies), applies)
    return Outcome(aside=aside, applied=applied, error=error, says="applied to copies")


async def _records(database: Any, aside: Aside) -> Sequence[Record]:
    rows = await database.fetch(
        "SELECT * FROM parked WHERE consumer = $1 AND topic = $2 AND partition = $3"
        " AND source IS NOT DISTINCT FROM $4 AND (source IS NOT NULL OR offset_at = $5) ORDER BY offset_at LIMIT $6",
        aside.consumer,
        aside.topic,
        aside.partition,
        aside.source,
        aside.offset,
        _AT_ONCE,
    )
    return [record_of(row) for row in rows]


def _projection(of: Operated, consumer: str) -> Projection[Any] | None:
    name = consumer.partition("~")[0].rsplit(".", 1)[1]
    return next((one for one in of.projections if one.name == name), None)


async def _copy(
    projection: Projection[Any], records: Sequence[Record], applies: Applier, store: Store, copies: MemoryDocuments
) -> None:
    """The documents that these messages belong to, as they are."""
    for collection in applies.collections:
        await copies.prepare(collection)
    listener = Refill(projection, applier=applies)
    heard = [one for one in (_heard(record, listener) for record in records) if one]
    journal = isinstance(projection, Journal)
    ids = {id for one in heard for id in ((str(one.subject),) if journal else projection.where(one))}
    guarded = applies.collections[-1]
    there = await store.read(guarded, ids)
    await copies.write(guarded, [Write(document, None) for document in there.values()])


def _heard(record: Record, listener: Listener) -> Envelope | None:
    try:
        found = read(record, listener)
    except Unreadable:
        return None
    return found.contract.envelope if found else None


async def _applied(records: Sequence[Record], listener: Listener, applies: Applier) -> tuple[int, str]:
    for count, record in enumerate(records):
        try:
            heard = read(record, listener)
            holes = await applies.apply([heard.contract]) if heard else ()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what would come of it
            return count, why(error)
        if holes:
            return count, f"a hole: version {holes[0].expected} is missing before {holes[0].got}"
    return len(records), ""


def _readable(records: Sequence[Record], listener: Listener) -> tuple[int, str]:
    for count, record in enumerate(records):
        try:
            read(record, listener)
        except Unreadable as error:
            return count, why(error)
    return len(records), ""


class _Reacting:
    """Hears what a group of reactions hears, and does nothing."""

    def __init__(self, of: Operated, consumer: str) -> None:
        noun = consumer.rsplit(".on-", 1)[-1]
        self._types = {one.to.TYPE for one in of.service.reactions if one.to.TYPE.split(".")[1] == noun}

    def hears(self, type: str) -> bool:
        return type in self._types

    def wants(self, envelope: Envelope) -> bool:
        return True

    async def handle(self, contracts: object) -> None:
        raise AssertionError("nothing is done here")
