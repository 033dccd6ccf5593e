"""The table of one collection in PostgreSQL: its columns, its indexes and the statements that write it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from shared.runtime.documents.port import Collection, Document, Kind
from shared.runtime.documents.values import SEVERAL, Stored, checked, declared, kept, returned

# Text is compared by code point ("C"), as MongoDB and Python do, whatever the database's own language.
_TYPES: Mapping[Kind, str] = {
    "text": 'text COLLATE "C"',
    "texts": 'text[] COLLATE "C"',
    "words": 'text[] COLLATE "C"',
    "time": "timestamptz",
    "number": "bigint",
    "flag": "boolean",
}
LONGEST_BEGINNING = 24  # letters of a word that are indexed; a longer question is compared in full after the index


def quoted(name: str) -> str:
    return f'"{name}"'  # values.checked let no quote in


def column(field: str) -> str:
    return quoted(f"f_{field}")


def beginnings(field: str) -> str:
    """The column with all beginnings of a field's words: to be found by one is then to have it, which GIN is for."""
    return quoted(f"b_{field}")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    value: Callable[[Document], Any]

    @property
    def several(self) -> bool:
        return "[]" in self.type

    @property
    def sent(self) -> str:
        """The type of its parameter. unnest flattens arrays of arrays: a row's several values travel as one text."""
        return self.type.split()[0].removesuffix("[]") + "[]"

    @property
    def selected(self) -> str:
        return self.name + ("::text[]" if self.several else "")


# body and sources are `text`, for equal bytes: jsonb sorts keys its own way, rewrites numbers such as 1e2 and refuses
# \u0000; json would parse again what we have just written; bytea cannot be read in psql. There, write body::jsonb.
_FIXED = (
    _Column("id", 'text COLLATE "C" PRIMARY KEY', lambda document: document.id),
    _Column("revision", "bigint NOT NULL", lambda document: document.revision),
    _Column("visible", "boolean NOT NULL", lambda document: document.visible),
    _Column("sources", "text NOT NULL", lambda document: document.sources.decode()),
    _Column("body", "text NOT NULL", lambda document: document.body.decode()),
)


@dataclass(frozen=True)
class Table:
    """Everything about a collection that does not depend on a question."""

    collection: Collection

    @cached_property
    def name(self) -> str:
        return quoted(self.collection.name)

    @cached_property
    def creation(self) -> Mapping[str, str]:
        """What has to be there, by name. Room is left in each page, so that an update can stay in it (HOT)."""
        columns = ", ".join([*(f"{each.name} {each.type}" for each in self._columns), "base bigint"])
        return {
            self.collection.name: f"CREATE TABLE IF NOT EXISTS {self.name} ({columns}) WITH (fillfactor = 85)",
            **dict(map(self._index, self._indexed())),
        }

    @cached_property
    def write(self) -> str:
        """The guarded write: an upsert that loses unless the stored revision is the base that was read.

        `base` is a column only for the guard to see what was sent: no stored row has one, so it takes no room. A write
        with a base where nothing is stored (the collection was dropped and made anew) is left out before: by a scalar
        question, since EXISTS may be planned as a scan of the whole table.
        """
        sets = ", ".join(f"{each.name} = excluded.{each.name}" for each in self._columns[1:])
        there = f"(SELECT TRUE FROM {self.name} AS there WHERE there.id = sent.id)"  # noqa: S608
        guard = f"ON CONFLICT (id) DO UPDATE SET {sets} WHERE stored.revision = excluded.base RETURNING id"
        return self._inserting("base", f"WHERE base IS NULL OR {there}", guard)

    @cached_property
    def insert(self) -> str:
        return self._inserting(then="ON CONFLICT (id) DO NOTHING")

    @cached_property
    def select(self) -> str:
        names = [each.name for each in _FIXED] + [column(name) for name in self._returned]
        return f"SELECT {', '.join(names)} FROM {self.name}"  # noqa: S608

    def arrays(self, documents: Sequence[Document]) -> list[list[Any]]:
        """The documents turned about, one list a column, as the statements take them."""
        rows = [declared(self.collection, document) for document in documents]
        return [list(map(each.value, rows)) for each in self._columns]

    def document(self, row: Iterable[Any]) -> Document:
        id, revision, visible, sources, body, *values = row
        found = zip(self._returned, values, strict=True)
        present = {name: tuple(v) if isinstance(v, list) else v for name, v in found if v is not None}
        return Document(
            id=id,
            body=body.encode(),
            fields=returned(self.collection, present),
            revision=revision,
            sources=sources.encode(),
            visible=visible,
        )

    @cached_property
    def _returned(self) -> Sequence[str]:
        return [name for name, kind in self.collection.fields.items() if kind != "words"]

    @cached_property
    def _columns(self) -> Sequence[_Column]:
        found = (each for name, kind in self.collection.fields.items() for each in _columns(name, kind))
        return [*_FIXED, *found]

    def _inserting(self, extra: str = "", where: str = "", then: str = "") -> str:
        names = [each.name for each in self._columns] + [extra] * bool(extra)
        selected = [each.selected for each in self._columns] + [extra] * bool(extra)
        types = [each.sent for each in self._columns] + ["bigint[]"] * bool(extra)
        arrays = ", ".join(f"${number}::{type}" for number, type in enumerate(types, 1))
        return (
            f"INSERT INTO {self.name} AS stored ({', '.join(names)}) SELECT {', '.join(selected)} "  # noqa: S608
            f'FROM unnest({arrays}) AS sent ({", ".join(names)}) {where} ORDER BY sent.id COLLATE "C" {then}'
        )

    def _indexed(self) -> Iterator[str]:
        for index in self.collection.indexes:
            yield f"({', '.join([*(f'{column(name)} NULLS FIRST' for name in index), 'id'])}) WHERE visible"
        for name, kind in self.collection.fields.items():
            if kind in SEVERAL:
                yield f"USING gin ({beginnings(name) if kind == 'words' else column(name)}) WHERE visible"

    def _index(self, over: str) -> tuple[str, str]:
        digest = hashlib.blake2b(f"{self.collection.name} {over}".encode(), digest_size=16).hexdigest()
        return f"ix_{digest}", f"CREATE INDEX IF NOT EXISTS ix_{digest} ON {self.name} {over}"


def table(collection: Collection) -> Table:
    """The table of a collection. Raises `ValueError` where its names cannot be used."""
    return _table(collection.name, tuple(collection.fields.items()), tuple(map(tuple, collection.indexes)))


@lru_cache(maxsize=1024)
def _table(name: str, kinds: tuple[tuple[str, Kind], ...], indexes: tuple[tuple[str, ...], ...]) -> Table:
    return Table(checked(Collection(name, dict(kinds), indexes)))


def _columns(name: str, kind: Kind) -> Iterator[_Column]:
    def value(document: Document) -> Stored | None:
        return kept(kind, document.fields.get(name))

    if kind in SEVERAL:
        yield _Column(column(name), _TYPES[kind], lambda document: _literal(value(document)))
    else:
        yield _Column(column(name), _TYPES[kind], value)
    if kind == "words":
        yield _Column(beginnings(name), "text[]", lambda document: _literal(_beginnings(value(document))))


def _beginnings(words: Stored | None) -> tuple[str, ...] | None:
    if not isinstance(words, tuple):
        return None
    lengths = range(1, LONGEST_BEGINNING + 1)
    return tuple(dict.fromkeys(word[:length] for word in words for length in lengths if length <= len(word)))


def _literal(values: Stored | None) -> str | None:
    """PostgreSQL's array text, every element quoted."""
    if not isinstance(values, tuple):
        return None
    if '"' in (text := "".join(values)) or "\\" in text:
        values = tuple(each.replace("\\", "\\\\").replace('"', '\\"') for each in values)
    return '{"' + '","'.join(values) + '"}' if values else "{}"
