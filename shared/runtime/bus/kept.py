"""What a service keeps up to date, and what of it is missing: the versions applied, against those that there are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts.envelope import Envelope
from shared.runtime.documents.port import Collection, Document
from shared.runtime.documents.port import Documents as Store
from shared.runtime.projecting import Applier, Hole
from shared.runtime.projection import Journal, Projection

_SOURCES = msgspec.json.Decoder(dict[str, tuple[int, msgspec.Raw]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One generation of a projection. `label`: what holes and comparisons on record call it; `group`: its consumers."""

    label: str
    group: str
    projection: Projection[Any]
    store: Store
    applies: Applier

    def hears(self, head: Envelope) -> bool:
        about = self.projection.about
        return (about is None or head.aggregate in about) and any(True for _ in self.projection.where(head))

    async def lacking(self, heads: Iterable[Envelope]) -> Sequence[Hole]:
        """Where one of these events is not applied, nor any later one of its aggregate."""
        asked: dict[str, list[Envelope]] = {}
        for head in heads:
            if self.hears(head):
                for id in self._places(head):
                    asked.setdefault(id, []).append(head)
        stored = await self.store.read(self._collection, asked) if asked else {}
        return [*self._behind(asked, stored)]

    async def reached(self, source: UUID, documents: Sequence[str]) -> int:
        """The version of a source that all these documents have applied."""
        stored = await self.store.read(self._collection, documents)
        return min(self._versions(stored.get(id)).get(str(source), 0) for id in documents)

    def _behind(self, asked: Mapping[str, Sequence[Envelope]], stored: Mapping[str, Document]) -> Iterator[Hole]:
        for id, heads in asked.items():
            seen = self._versions(stored.get(id))
            for head in heads:
                version = seen.get(str(head.subject), 0)
                if version < head.sequence:
                    yield Hole(id, head.subject, version + 1, head.sequence)

    def _places(self, head: Envelope) -> Iterable[str]:
        """A journal knows how far it is by its sources, documents each by themselves."""
        return [str(head.subject)] if self._is_journal else self.projection.where(head)

    def _versions(self, document: Document | None) -> Mapping[str, int]:
        if document is None:
            return {}
        if self._is_journal:
            return {document.id: document.revision}
        return {source: version for source, (version, _) in _SOURCES.decode(document.sources).items()}

    @property
    def _is_journal(self) -> bool:
        return isinstance(self.projection, Journal)

    @property
    def _collection(self) -> Collection:
        return self.applies.collections[-1]
