"""Random lives of a collection, to be lived by a store and by its specification side by side."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.runtime.documents.port import (
    AnyOf,
    Collection,
    Document,
    Documents,
    Equal,
    In,
    Kind,
    Order,
    Prefix,
    Query,
    Range,
    Term,
    Write,
)

FIELDS: dict[str, Kind] = {
    "text": "text",
    "texts": "texts",
    "words": "words",
    "time": "time",
    "number": "number",
    "flag": "flag",
}
INDEXES = [["text", "time"], ["number"]]

_IDS = st.sampled_from(["a", "b", "c", "B", "é", "$d", "'"])
_TEXT = st.text(st.sampled_from("abAÁß ſ\x00\\\"{}$%_'\ud800\U0001d518\uffff"), max_size=3) | st.just("a" * 500)
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))])
_TIMES = st.builds(
    lambda step, zone: (datetime(2024, 3, 1, tzinfo=UTC) + timedelta(microseconds=step)).astimezone(zone),
    st.integers(-3, 3),
    _ZONES,
) | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
_ONE: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "texts": _TEXT,
    "words": _TEXT,
    "time": _TIMES,
    "number": st.integers(-3, 3) | st.sampled_from([2**63, -(2**63) - 1]),
    "flag": st.booleans(),
}
_VALUES = {name: st.lists(one, max_size=3) if FIELDS[name] in ("texts", "words") else one for name, one in _ONE.items()}
_DOCUMENTS = st.builds(
    Document,
    id=_IDS,
    body=st.sampled_from([b"{}", b'{"a":51.30}', '{"b":"\\u0000ß"}'.encode()]),
    fields=st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in _VALUES.items()}),
    revision=st.integers(0, 3),
    visible=st.integers(0, 4).map(bool),
)
_BATCHES = st.lists(_DOCUMENTS, max_size=4, unique_by=lambda document: document.id)


@st.composite
def _simple_terms(draw: st.DrawFn) -> Term:
    name = draw(st.sampled_from(sorted(FIELDS)))
    one = _ONE[name]
    terms: list[st.SearchStrategy[Term]] = [
        st.builds(Equal, st.just(name), one),
        st.builds(In, st.just(name), st.lists(one, max_size=3)),
    ]
    if name not in ("texts", "words"):
        bounds = {bound: st.none() | one for bound in ("ge", "gt", "le", "lt")}
        terms.append(st.builds(Range, field=st.just(name), **bounds))
    if name in ("text", "texts", "words"):
        terms.append(st.builds(Prefix, st.just(name), _TEXT))
    return draw(st.one_of(terms))


_TERMS = st.recursive(_simple_terms(), lambda inner: st.builds(AnyOf, st.lists(inner, max_size=3)), max_leaves=4)
_ORDERS = st.none() | st.builds(Order, st.sampled_from(["text", "time", "number", "flag"]), st.booleans())
_WHERE = st.lists(_TERMS, max_size=2)

Step = tuple[str, Any]


@st.composite
def _writes(draw: st.DrawFn) -> list[Write]:
    return [Write(document, draw(st.none() | st.integers(0, 3))) for document in draw(_BATCHES)]


HISTORIES: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.just("write"), _writes())
    | st.tuples(st.just("insert"), _BATCHES)
    | st.tuples(st.just("find"), st.tuples(_WHERE, _ORDERS, st.integers(1, 3))),
    min_size=2,
    max_size=12,
)


async def play(store: Documents, collection: Collection, history: Sequence[Step]) -> list[Any]:
    """What the store answers to each step."""
    await store.prepare(collection)
    answers = [await _answer(store, collection, step, at) for at, step in enumerate(history)]
    return [*answers, await store.scan(collection, after="", limit=99)]


async def _answer(store: Documents, collection: Collection, step: Step, at: int) -> Any:
    name, given = step
    if name == "write":  # each with content of its own: one that finds just itself there may count as won or as lost
        return await store.write(collection, [Write(replace(w.document, sources=b"%d" % at), w.base) for w in given])
    if name == "insert":
        return await store.insert(collection, given)
    where, order, limit = given
    return [await store.count(collection, where), *await _pages(store, collection, where, order, limit)]


async def _pages(
    store: Documents, collection: Collection, where: Sequence[Term], order: Order | None, limit: int
) -> list[Document]:
    pages: list[Document] = []
    query = Query(where=where, order=order, limit=limit)
    while page := await store.find(collection, query):
        pages += page
        value: Any = page[-1].fields.get(order.field) if order else None
        query = Query(where=where, order=order, limit=limit, after=(value, page[-1].id))
    return pages
