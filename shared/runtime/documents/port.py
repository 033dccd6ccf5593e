"""The port: what a document store can do. Everything above it is the same for both stores.

A collection belongs to one generation of one projection. A document has an id, the `revision` that guards its writes,
the `sources` it has seen (opaque canonical JSON), its `body` (canonical JSON) and the declared fields it is found by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

Scalar = str | int | bool | datetime
Value = Scalar | Sequence[Scalar] | None
Kind = Literal["text", "texts", "words", "time", "number", "flag"]
"""`texts`: several values, any may match. `words`: several to be found by their beginning, case and accents aside."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the documents of one projection's generation are, and what they can be found by."""

    name: str
    fields: Mapping[str, Kind]
    indexes: Sequence[Sequence[str]] = ()
    """each the leading fields of a compound index, in order; `texts` and `words` fields are indexed by themselves"""


class Document(Struct, frozen=True, kw_only=True):
    """What is stored. `visible` false: known, but not to be found yet (its own aggregate has not been heard).

    A struct, as all that is made for each event: a frozen dataclass takes five times as long to make.
    """

    id: str
    body: bytes
    fields: Mapping[str, Value] = {}
    revision: int = 0
    sources: bytes = b"{}"
    visible: bool = True


class Write(Struct, frozen=True):
    """A guarded write: it takes place only where the stored revision still is `base` (None: no document yet)."""

    document: Document
    base: int | None


@dataclass(frozen=True, slots=True)
class Equal:
    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    field: str
    values: Sequence[Scalar]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A value of the field begins so; on a `words` field letter case and accents do not count."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Of a single-valued field."""

    field: str
    ge: Scalar | None = None
    gt: Scalar | None = None
    le: Scalar | None = None
    lt: Scalar | None = None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these holds: for a caller's scope (its organisation's own, or patients it has a relationship with)."""

    terms: Sequence["Term"]


Term = Equal | In | Prefix | Range | AnyOf


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a single-valued field, then by id in the same direction: so that a page's end is a place, not a count."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    where: Sequence[Term] = ()
    order: Order | None = None
    """without one: by id"""
    after: tuple[Scalar | None, str] | None = None
    """the (order value, id) of the last document of the page before; the order value is None where there is no order"""
    limit: int = 50


class Documents(Protocol):
    """A store of documents. Only visible documents are found, counted and got; `read` sees all.

    Raises `Unavailable` where the store does not answer. A datetime is aware, kept to the millisecond or finer and
    returned in UTC; sorting and ranges treat an absent value as lower than any other.
    """

    async def prepare(self, collection: Collection) -> None:
        """Makes the collection and its indexes where they are not there yet. Several may call it at once, and often."""

    async def drop(self, name: str) -> None: ...

    async def read(self, collection: Collection, ids: Iterable[str]) -> dict[str, Document]:
        """The stored documents with these ids, visible or not, with revision and sources (fields may be left empty)."""

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        """Writes in bulk, each guarded; returns the ids of those that lost: another writer was there in between.

        Each id at most once in a batch. Each write stands alone: a batch that `Unavailable` cut short may be there in
        part. One that finds exactly itself stored may count as won.
        """

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        """Inserts those whose id is not there yet; the others stay as they are."""

    async def get(self, collection: Collection, id: str) -> Document | None: ...

    async def find(self, collection: Collection, query: Query) -> Sequence[Document]:
        """The documents with their fields (all but `words`), so that the last one's order value is the next `after`."""

    async def count(self, collection: Collection, where: Sequence[Term]) -> int: ...

    async def scan(self, collection: Collection, *, after: str, limit: int) -> Sequence[Document]:
        """All documents in order of id, visible or not: for comparing generations."""

    async def aliases(self) -> Mapping[str, str]:
        """Which collection each alias stands for."""

    async def point(self, alias: str, name: str) -> None:
        """Lets an alias stand for another collection, at once for all readers that ask for `aliases` afterwards."""

    async def close(self) -> None: ...
