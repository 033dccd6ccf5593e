"""How a document lies in MongoDB: `{_id, revision, visible, sources, body, f: {field: value}}`.

body and sources are the JSON's own text, so that they come back byte for byte. An instant is text too, such as
`2024-02-29T12:00:00.000000Z`: it sorts as time does, and a BSON date would lose the microseconds of it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from pymongo import IndexModel

from shared.runtime.documents.port import Collection, Document, Kind
from shared.runtime.documents.values import SEVERAL, Stored, fields, returned

Json = dict[str, Any]


def path(field: str) -> str:
    return f"f.{field}"  # values.checked let no dot and no dollar in


def row_of(collection: Collection, document: Document) -> Json:
    return {
        "_id": document.id,
        "revision": document.revision,
        "visible": document.visible,
        "sources": document.sources.decode(),
        "body": document.body.decode(),
        "f": {name: written(value) for name, value in fields(collection, document).items()},
    }


def document_of(collection: Collection, row: Json) -> Document:
    found = {name: _read(collection.fields[name], value) for name, value in row["f"].items()}
    return Document(
        id=row["_id"],
        body=row["body"].encode(),
        fields=returned(collection, found),
        revision=int(row["revision"]),
        sources=row["sources"].encode(),
        visible=row["visible"],
    )


def written(value: Stored) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return value


def _read(kind: Kind, value: Any) -> Stored:
    match kind:
        case "text" | "flag":
            return value  # type: ignore[no-any-return]  # as _written left it
        case "texts" | "words":
            return tuple(value)
        case "time":
            return datetime.fromisoformat(value).astimezone(UTC)
        case "number":
            return int(value)  # not bson's Int64
        case _:
            assert_never(kind)


def indexes_of(collection: Collection) -> Iterator[IndexModel]:
    for index in collection.indexes:
        yield _index([*map(path, index), "_id"])
    for name, kind in collection.fields.items():
        if kind in SEVERAL:
            yield _index([path(name)])


def _index(paths: Sequence[str]) -> IndexModel:
    """Named by a digest: servers limit the length of a name, not of what it stands for."""
    name = hashlib.blake2b(" ".join(paths).encode(), digest_size=8).hexdigest()
    return IndexModel([(each, 1) for each in paths], name=f"ix_{name}")
