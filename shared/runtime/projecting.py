"""Applies contracts to documents: read at once, fold, write in bulk under guard, again for those that lost.

Lower version than seen: a duplicate, skipped. Higher than next: a hole; that source stops there and is reported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from shared.contracts.envelope import Contract
from shared.runtime.documents.port import Collection, Document, Write
from shared.runtime.documents.port import Documents as Store
from shared.runtime.json import canonical
from shared.runtime.projection import Documents, Journal, Projection

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Hole:
    """A source that stopped: a document expected one version of it and got a later one."""

    document: str
    source: UUID
    expected: int
    got: int


class Applier(Protocol):
    """Applies batches of contracts, each source's in order, to one generation of a projection."""

    @property
    def collections(self) -> Sequence[Collection]: ...

    async def apply(self, contracts: Sequence[Contract]) -> Sequence[Hole]:
        """All of them are applied, were there before, or stand behind a hole when this returns."""


def collection_name(projection: Projection[Any] | type[Projection[Any]], generation: int) -> str:
    return f"{projection.name}_g{generation}"


def applier(projection: Projection[Any], *, store: Store, generation: int) -> Applier:
    """The one for this kind of projection."""
    match projection:
        case Documents():
            return DocumentApplier(projection, store=store, generation=generation)
        case Journal():
            return JournalApplier(projection, store=store, generation=generation)
        case _:
            raise TypeError(f"{type(projection).__name__} is neither Documents nor a Journal")


class DocumentApplier(Generic[S]):
    """Documents as pure functions of the versions they have seen."""

    def __init__(self, projection: Documents[S], *, store: Store, generation: int) -> None:
        name = collection_name(projection, generation)
        self.collection = Collection(name, projection.fields, projection.indexes)
        self.collections = (self.collection,)
        self._projection = projection
        self._store = store
        sources: Any = dict[str, tuple[int, projection.state_type()]]  # type: ignore[misc]
        self._sources = msgspec.json.Decoder(sources, float_hook=Decimal)

    async def apply(self, contracts: Sequence[Contract]) -> Sequence[Hole]:
        waiting = _by_document(self._projection.where, contracts)
        new = _born(waiting)
        holes: list[Hole] = []
        while waiting:
            stored = await _read(self._store, self.collection, waiting.keys() - new)
            new = frozenset()
            writes = []
            holes = _of_others(holes, waiting)
            for id in sorted(waiting):
                write = self._written(id, stored.get(id), waiting[id], holes)
                if write is not None:
                    writes.append(write)
            lost = await self._store.write(self.collection, writes) if writes else set()
            waiting = {id: contracts for id, contracts in waiting.items() if id in lost}
        return holes

    def _written(
        self, id: str, stored: Document | None, contracts: Sequence[Contract], holes: list[Hole]
    ) -> Write | None:
        """The document's next revision, or None where nothing in the batch is new to it."""
        sources: dict[str, tuple[int, S]] = self._sources.decode(stored.sources) if stored else {}
        new = False
        for contract in contracts:
            new |= self._fold(id, sources, contract, holes)
        return Write(self._document(id, sources), stored.revision if stored else None) if new else None

    def _fold(self, id: str, sources: dict[str, tuple[int, S]], contract: Contract, holes: list[Hole]) -> bool:
        envelope = contract.envelope
        source = envelope.subject_id
        seen, state = sources.get(source, (0, None))
        if envelope.sequence <= seen:
            return False
        if envelope.sequence > seen + 1:
            holes.append(Hole(id, envelope.subject, seen + 1, envelope.sequence))
            return False
        sources[source] = (envelope.sequence, self._projection.fold(state, contract))
        return True

    def _document(self, id: str, sources: Mapping[str, tuple[int, S]]) -> Document:
        ordered = dict(sorted(sources.items()))
        shown = self._projection.render(id, {source: state for source, (_, state) in ordered.items()})
        return Document(
            id=id,
            body=canonical(shown.body) if shown else b"{}",
            fields=shown.fields if shown else {},
            revision=sum(version for version, _ in ordered.values()),
            sources=canonical(ordered),
            visible=shown is not None,
        )


class JournalApplier:
    """One row for each event, inserted if absent; then the version of its source, which is where holes show."""

    def __init__(self, projection: Journal, *, store: Store, generation: int) -> None:
        name = collection_name(projection, generation)
        self.rows = Collection(name, projection.fields, projection.indexes)
        self.sources = Collection(f"{name}_sources", {})
        self.collections = (self.rows, self.sources)
        self._projection = projection
        self._store = store

    async def apply(self, contracts: Sequence[Contract]) -> Sequence[Hole]:
        waiting = _by_document(lambda envelope: (envelope.subject_id,), self._wanted(contracts))
        new = _born(waiting)
        holes: list[Hole] = []
        while waiting:
            stored = await _read(self._store, self.sources, waiting.keys() - new)
            new = frozenset()
            rows: list[Document] = []
            writes: list[Write] = []
            holes = _of_others(holes, waiting)
            for source in sorted(waiting):
                seen = stored[source].revision if source in stored else 0
                fresh = _contiguous(waiting[source], seen, holes)
                rows += [row for contract in fresh if (row := self._row(contract))]
                if fresh:
                    heard = Document(id=source, body=b"{}", revision=fresh[-1].envelope.sequence)
                    writes.append(Write(heard, seen or None))
            # Rows first: a version says that its rows are there, and a row that is there twice is the same row.
            if rows:
                await self._store.insert(self.rows, rows)
            lost = await self._store.write(self.sources, writes) if writes else set()
            waiting = {source: contracts for source, contracts in waiting.items() if source in lost}
        return holes

    def _wanted(self, contracts: Sequence[Contract]) -> Sequence[Contract]:
        where = self._projection.where
        return [contract for contract in contracts if next(iter(where(contract.envelope)), None) is not None]

    def _row(self, contract: Contract) -> Document | None:
        shown = self._projection.row(contract)
        if shown is None:
            return None
        return Document(id=contract.envelope.id, body=canonical(shown.body), fields=shown.fields, revision=1)


def _by_document(where: Callable[[Any], Iterable[str]], contracts: Sequence[Contract]) -> dict[str, list[Contract]]:
    grouped: dict[str, list[Contract]] = {}
    for contract in contracts:
        for id in where(contract.envelope):
            grouped.setdefault(id, []).append(contract)
    return grouped


def _born(waiting: Mapping[str, Sequence[Contract]]) -> frozenset[str]:
    """The aggregates' own documents whose first event is here: hardly any can be stored yet, so none is looked for.

    One that is there all the same (the event came before, or another source's did) loses its write, and is read then.
    """
    firsts = ((id, contracts[0].envelope) for id, contracts in waiting.items())
    return frozenset(id for id, first in firsts if first.sequence == 1 and first.subject_id == id)


async def _read(store: Store, collection: Collection, ids: Set[str]) -> Mapping[str, Document]:
    return await store.read(collection, ids) if ids else {}


def _of_others(holes: Iterable[Hole], waiting: Mapping[str, object]) -> list[Hole]:
    """Without those of the documents that are read and folded again: they may be filled by now."""
    return [hole for hole in holes if hole.document not in waiting]


def _contiguous(contracts: Sequence[Contract], seen: int, holes: list[Hole]) -> list[Contract]:
    """Those that come next, in order; what stands behind a hole is reported and left out."""
    fresh: list[Contract] = []
    for contract in contracts:
        envelope = contract.envelope
        if envelope.sequence == seen + 1:
            fresh.append(contract)
            seen += 1
        elif envelope.sequence > seen + 1:
            holes.append(Hole(envelope.subject_id, envelope.subject, seen + 1, envelope.sequence))
    return fresh
