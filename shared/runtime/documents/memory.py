"""The port in its plainest form: what every store must answer, and a store for tests without an engine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from msgspec import structs

from shared.runtime.documents.port import (
    AnyOf,
    Collection,
    Document,
    Equal,
    In,
    Prefix,
    Query,
    Range,
    Term,
    Write,
)
from shared.runtime.documents.values import (
    Stored,
    asked,
    checked,
    checked_name,
    clean,
    distinct,
    fields,
    in_order,
    returned,
    terms,
)

Fields = Mapping[str, Stored]
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "ge": lambda value, bound: value >= bound,
    "gt": lambda value, bound: value > bound,
    "le": lambda value, bound: value <= bound,
    "lt": lambda value, bound: value < bound,
}


@dataclass(frozen=True, slots=True)
class _Row:
    document: Document
    kept: Fields


class MemoryDocuments:
    """Documents for as long as the process lives."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, _Row]] = {}
        self._aliases: dict[str, str] = {}

    async def prepare(self, collection: Collection) -> None:
        self._rows.setdefault(checked(collection).name, {})

    async def drop(self, name: str) -> None:
        self._rows.pop(checked_name(name), None)

    async def read(self, collection: Collection, ids: Iterable[str]) -> dict[str, Document]:
        rows = self._rows[collection.name]
        return {id: rows[id].document for id in ids if id in rows}

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        rows, lost = self._rows[collection.name], set[str]()
        for write in in_order(writes):
            there = rows.get(write.document.id)
            if (there.document.revision if there else None) == write.base:
                rows[write.document.id] = _row(collection, write.document)
            else:
                lost.add(write.document.id)
        return lost

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        for document in distinct(documents):
            self._rows[collection.name].setdefault(document.id, _row(collection, document))

    async def get(self, collection: Collection, id: str) -> Document | None:
        row = self._rows[collection.name].get(id)
        return row.document if row and row.document.visible else None

    async def find(self, collection: Collection, query: Query) -> Sequence[Document]:
        query = asked(collection, query)
        place, down = _places(query), bool(query.order and query.order.descending)
        found = sorted(self._matching(collection, query.where), key=place, reverse=down)
        if query.after:
            last = _place(*query.after)
            found = [row for row in found if (place(row) < last if down else place(row) > last)]
        return [row.document for row in found[: max(query.limit, 0)]]

    async def count(self, collection: Collection, where: Sequence[Term]) -> int:
        return len(self._matching(collection, terms(collection, where)))

    async def scan(self, collection: Collection, *, after: str, limit: int) -> Sequence[Document]:
        rows = sorted(self._rows[collection.name].items())
        return [row.document for id, row in rows if id > clean(after)][: max(limit, 0)]

    async def aliases(self) -> Mapping[str, str]:
        return dict(self._aliases)

    async def point(self, alias: str, name: str) -> None:
        self._aliases[checked_name(alias)] = checked_name(name)

    async def close(self) -> None:
        self._rows.clear()

    def _matching(self, collection: Collection, where: Sequence[Term]) -> list[_Row]:
        rows = self._rows[collection.name].values()
        return [row for row in rows if row.document.visible and all(_holds(term, row.kept) for term in where)]


def _row(collection: Collection, document: Document) -> _Row:
    kept = fields(collection, document)
    return _Row(structs.replace(document, fields=returned(collection, kept)), kept)


def _places(query: Query) -> Callable[[_Row], tuple[Any, ...]]:
    name = query.order.field if query.order else None
    return lambda row: _place(row.kept.get(name) if name else None, row.document.id)


def _place(value: Any, id: str) -> tuple[Any, ...]:
    return (0, id) if value is None else (1, value, id)


def _holds(term: Term, kept: Fields) -> bool:
    match term:
        case Equal(name, value):
            return value in _values(kept, name)
        case In(name, values):
            return any(value in values for value in _values(kept, name))
        case Prefix(name, beginning):
            return any(value.startswith(beginning) for value in _values(kept, name))
        case Range(field=name):
            bounds = {key: getattr(term, key) for key in _BOUNDS if getattr(term, key) is not None}
            if name not in kept:
                return bounds.keys() <= {"le", "lt"}
            return all(_BOUNDS[key](kept[name], bound) for key, bound in bounds.items())
        case AnyOf(several):
            return any(_holds(each, kept) for each in several)
        case _:
            assert_never(term)


def _values(kept: Fields, name: str) -> tuple[Any, ...]:
    value = kept.get(name, ())
    return value if isinstance(value, tuple) else (value,)
