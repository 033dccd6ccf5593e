"""Names and values as every store keeps them, so that the same question has the same answer in each.

Fields are for finding; the body is the truth. So what an index cannot hold (NUL, a lone surrogate, a value of many
kilobytes, a number beyond 64 bits) is kept and asked for in one form that it can: never refused, never missed.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar, assert_never

from shared.runtime.documents.port import (
    AnyOf,
    Collection,
    Document,
    Equal,
    In,
    Kind,
    Prefix,
    Query,
    Range,
    Scalar,
    Term,
    Value,
    Write,
)

Stored = str | int | bool | datetime | tuple[str, ...]
SEVERAL = frozenset({"texts", "words"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")  # as much as PostgreSQL keeps of an identifier
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")  # the stores put a mark before it
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST, _HEAD = 400, 360  # bytes: five of them and an id still fit in a PostgreSQL index row
_FIRST = datetime.min.replace(microsecond=1, tzinfo=UTC)  # asyncpg takes the very ends for infinity
_LAST = datetime.max.replace(microsecond=999_998, tzinfo=UTC)
_T = TypeVar("_T")


def checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a collection's name has 1 to 63 letters, digits, '_', '-' or '.', and begins with a letter")
    return name


def checked(collection: Collection) -> Collection:
    """The collection, where its names can be used in every store and its indexes are over single-valued fields."""
    checked_name(collection.name)
    for name in collection.fields:
        if not _FIELD.fullmatch(name):
            raise ValueError("a field's name has 1 to 60 letters, digits, '_' or '-', and begins with a letter")
    for name in (name for index in collection.indexes for name in index):
        _single(collection, name)
    return collection


def fields(collection: Collection, document: Document) -> dict[str, Stored]:
    """What is kept of a document's fields: those that have a value."""
    declared(collection, document)
    found = ((name, kept(collection.fields[name], value)) for name, value in document.fields.items())
    return {name: value for name, value in found if value is not None}


def declared(collection: Collection, document: Document) -> Document:
    """The document, where its collection declares its fields."""
    if undeclared := document.fields.keys() - collection.fields.keys():
        kind_of(collection, undeclared.pop())
    return document


def kept(kind: Kind, value: Value) -> Stored | None:
    """The form in which a field's value is kept; None where there is none."""
    if value is None:
        return None
    return _several(kind, value) or None if kind in SEVERAL else _FORMS[kind](value)


def returned(collection: Collection, stored: Mapping[str, Stored]) -> dict[str, Value]:
    """The fields a found document comes with: all but `words`, of which only folded pieces are kept."""
    return {name: value for name, value in stored.items() if collection.fields[name] != "words"}


def distinct(documents: Sequence[Document]) -> list[Document]:
    """In order of id, so that two bulk writes never wait for each other in a circle. Each id once, and storable."""
    if len({document.id for document in documents}) != len(documents):
        raise ValueError("a document is written twice in one batch")
    if not all(_is_an_id(document.id) for document in documents):
        raise ValueError(f"a document's id has 1 to {_LONGEST} bytes and no NUL")
    return sorted(documents, key=lambda document: document.id)


def _is_an_id(id: str) -> bool:
    if id.isascii():
        return 0 < len(id) <= _LONGEST and "\x00" not in id
    return len(id.encode(errors="replace")) <= _LONGEST and not _UNSTORABLE.search(id)


def in_order(writes: Sequence[Write]) -> list[Write]:
    """The writes in order of id."""
    by_id = {write.document.id: write for write in writes}
    return [by_id[document.id] for document in distinct([write.document for write in writes])]


def findable(ids: Iterable[str]) -> list[str]:
    """Those ids that a document can have."""
    return [id for id in ids if not _UNSTORABLE.search(id)]


def asked(collection: Collection, query: Query) -> Query:
    """The query in the form in which values are kept."""
    after = query.after
    if after and query.order:
        after = (_bound(_single(collection, query.order.field), after[0]), clean(after[1]))
    elif after:
        after = (None, clean(after[1]))
    elif query.order:
        _single(collection, query.order.field)
    return replace(query, where=terms(collection, query.where), after=after)


def terms(collection: Collection, where: Sequence[Term]) -> list[Term]:
    return [_term(collection, term) for term in where]


def kind_of(collection: Collection, name: str) -> Kind:
    try:
        return collection.fields[name]
    except KeyError:
        raise ValueError(f"{collection.name} declares no field {name}") from None


def after_prefix(prefix: str) -> str | None:
    """The lowest text above all that begin with the prefix, in code point order; None where there is none."""
    for end in range(len(prefix), 0, -1):
        following = ord(prefix[end - 1]) + 1
        if following <= 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if following == 0xD800 else following)
    return None


def clean(text: str) -> str:
    """The text as UTF-8 and PostgreSQL can hold it: U+FFFD stands for what they cannot."""
    return _UNSTORABLE.sub("\ufffd", text)


def _term(collection: Collection, term: Term) -> Term:
    match term:
        case Equal(name, value):
            return Equal(name, _FORMS[kind_of(collection, name)](value))
        case In(name, values):
            kind = kind_of(collection, name)
            return In(name, [_FORMS[kind](value) for value in values])
        case Prefix(name, value):
            return Prefix(name, _beginning(kind_of(collection, name), value))
        case Range(field=name):
            kind = _single(collection, name)
            ge, gt, le, lt = (_bound(kind, bound) for bound in (term.ge, term.gt, term.le, term.lt))
            return Range(field=name, ge=ge, gt=gt, le=le, lt=lt)
        case AnyOf(several):
            return AnyOf(terms(collection, several))
        case _:
            assert_never(term)


def _several(kind: Kind, value: Value) -> tuple[str, ...]:
    values = value if type(value) in (list, tuple) else _listed(value)
    if kind == "words":
        return tuple(filter(None, map(_word, values)))  # type: ignore[arg-type]  # one without letters cannot be found
    return tuple(map(_text, values))  # type: ignore[arg-type]


def _listed(value: Value) -> Sequence[Scalar]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]  # type: ignore[list-item]


def _bound(kind: Kind, value: Scalar | None) -> Scalar | None:
    return None if value is None else _FORMS[kind](value)


def _text(value: Value) -> str:
    if type(value) is str and len(value) * 4 <= _LONGEST and value.isascii() and "\x00" not in value:
        return value  # nearly all are such, and there are a dozen in each document
    return _whole(clean(_of(str, value)))


def _word(value: Value) -> str:
    return _cut(_fold(_of(str, value)), _LONGEST)


def _instant(value: Value) -> datetime:
    if type(value) is datetime and value.tzinfo is UTC and 1 < value.year < 9999:
        return value
    instant = _of(datetime, value)
    if instant.tzinfo is None:
        raise ValueError("an instant carries its offset")
    try:
        return max(_FIRST, min(_LAST, instant.astimezone(UTC)))
    except OverflowError:  # the first or last day of the calendar, in another zone
        return _FIRST if instant.year == 1 else _LAST


def _number(value: Value) -> int:
    return max(-(2**63), min(2**63 - 1, _of(int, None if isinstance(value, bool) else value)))


def _flag(value: Value) -> bool:
    return _of(bool, value)


_FORMS: Mapping[Kind, Callable[[Value], Scalar]] = {
    "text": _text,
    "texts": _text,
    "words": _word,
    "time": _instant,
    "number": _number,
    "flag": _flag,
}


def _beginning(kind: Kind, value: str) -> str:
    if kind not in ("text", "texts", "words"):
        raise TypeError("only text has a beginning")
    return _cut(_fold(value), _LONGEST) if kind == "words" else _cut(clean(value), _HEAD)


def _whole(text: str) -> str:
    """A value too long for an index is kept as its beginning and its digest: still equal to itself alone."""
    if len(text.encode()) <= _LONGEST:
        return text
    return _cut(text, _HEAD) + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _cut(text: str, longest: int) -> str:
    return text if len(text) * 4 <= longest else text.encode()[:longest].decode(errors="ignore")


def _fold(text: str) -> str:
    """Without letter case and accents, as FHIR R4 search compares strings (section 3.1.1.4.7)."""
    if text.isascii():
        return clean(text.lower())
    letters = unicodedata.normalize("NFKD", clean(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _of(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"the field holds {kind.__name__}, not {type(value).__name__}")
    return value


def _single(collection: Collection, name: str) -> Kind:
    kind = kind_of(collection, name)
    if kind in SEVERAL:
        raise ValueError(f"{name} holds several values: they have no place in an order")
    return kind
