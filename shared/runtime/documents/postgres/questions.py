"""A query in PostgreSQL's words. A value goes into the parameters and leaves a `$1` in the text, never itself."""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from shared.runtime.documents.port import AnyOf, Collection, Equal, In, Kind, Order, Prefix, Query, Range, Term
from shared.runtime.documents.postgres.tables import LONGEST_BEGINNING, Table, beginnings, column
from shared.runtime.documents.values import after_prefix, asked, kind_of, terms

Statement = tuple[str, list[Any]]
_PARAMETER = {"time": "timestamptz", "number": "bigint", "flag": "boolean"}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def counting(table: Table, where: Sequence[Term]) -> Statement:
    asking = _Asking(table.collection)
    condition = asking.all(terms(table.collection, where))
    return f"SELECT count(*) FROM {table.name} WHERE {condition}", asking.values  # noqa: S608


def finding(table: Table, query: Query) -> Iterator[Statement]:
    """One statement for each stretch of the order that is still to come, the nearest first.

    What follows a place in an order with absent values is `this or that`, which no index walks; each stretch alone is
    a range that the index starts at. The last parameter, the number of documents, is the caller's to add.
    """
    query = asked(table.collection, query)
    for place in _stretches(query):
        asking = _Asking(table.collection)
        condition = asking.all(query.where)
        condition += "".join(f" AND {part}" for part in asking.beyond(query, place))
        limit = f"LIMIT ${len(asking.values) + 1}"
        yield f"{table.select} WHERE {condition} ORDER BY {_order(query.order)} {limit}", asking.values


def _stretches(query: Query) -> Sequence[str]:
    """`all`; or what is `beyond` the place, then the values `present` or `absent` that the order has behind it."""
    if query.after is None:
        return ["all"]
    if query.order is None:
        return ["beyond"]
    absent = query.after[0] is None
    if query.order.descending:
        return ["beyond"] if absent else ["beyond", "absent"]
    return ["beyond", "present"] if absent else ["beyond"]


def _order(order: Order | None) -> str:
    if order is None:
        return "id"
    name = column(order.field)
    return f"{name} DESC NULLS LAST, id DESC" if order.descending else f"{name} NULLS FIRST, id"


class _Asking:
    """A condition and the parameters it has taken so far."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.values: list[Any] = []

    def all(self, where: Sequence[Term]) -> str:
        return " AND ".join(["visible", *map(self._condition, where)])

    def beyond(self, query: Query, stretch: str) -> Iterator[str]:
        name = column(query.order.field) if query.order else ""
        if stretch in ("absent", "present"):
            yield f"{name} IS {'NOT ' if stretch == 'present' else ''}NULL"
        elif stretch == "beyond" and query.after:
            value, id = query.after
            sign = "<" if query.order and query.order.descending else ">"
            if query.order is None or value is None:
                yield f"{name} IS NULL" if name else "TRUE"
                yield f"id {sign} {self._text(id)}"
            else:
                yield f"({name}, id) {sign} ({self._value(query.order.field, value)}, {self._text(id)})"

    def _condition(self, term: Term) -> str:
        match term:
            case Equal(name, value):
                return self._in(name, [value])
            case In(name, values):
                return self._in(name, list(values))
            case Prefix(name, beginning):
                return self._prefix(name, beginning)
            case Range():
                return self._range(term)
            case AnyOf(several):
                return f"({' OR '.join(map(self._condition, several)) or 'FALSE'})"
            case _:
                assert_never(term)

    def _in(self, name: str, values: list[Any]) -> str:
        match self._kind(name):
            case "words":
                short = self._parameter([value[:LONGEST_BEGINNING] for value in values], "text[]")
                return f"({beginnings(name)} && {short} AND {column(name)} && {self._parameter(values, 'text[]')})"
            case "texts":
                return f"{column(name)} && {self._parameter(values, 'text[]')}"
            case _ if len(values) == 1:  # alone, it lets an index go on to the next column in its order
                return f"{column(name)} = {self._value(name, values[0])}"
            case kind:
                return f"{column(name)} = ANY({self._parameter(values, _PARAMETER.get(kind, 'text') + '[]')})"

    def _prefix(self, name: str, beginning: str) -> str:
        kind = self._kind(name)
        if not beginning:
            return f"{column(name)} IS NOT NULL"
        if kind == "text":
            return f"({self._between(column(name), beginning)})"
        every = self._some(name, f"starts_with(each, {self._text(beginning)})")
        if kind == "texts":
            return every
        return f"({beginnings(name)} @> ARRAY[{self._text(beginning[:LONGEST_BEGINNING])}] AND {every})"

    def _between(self, expression: str, beginning: str) -> str:
        above = after_prefix(beginning)
        upper = f" AND {expression} < {self._text(above)}" if above is not None else ""
        return f"{expression} >= {self._text(beginning)}{upper}"

    def _range(self, term: Range) -> str:
        bounds = {sign: getattr(term, key) for key, sign in _SIGNS.items() if getattr(term, key) is not None}
        name = column(term.field)
        held = " AND ".join(f"{name} {sign} {self._value(term.field, bound)}" for sign, bound in bounds.items())
        return f"({held or 'TRUE'})" if bounds.keys() & {">=", ">"} else f"({name} IS NULL OR ({held or 'TRUE'}))"

    def _some(self, name: str, condition: str) -> str:
        return f"EXISTS (SELECT FROM unnest({column(name)}) AS each WHERE {condition})"

    def _value(self, name: str, value: Any) -> str:
        return self._parameter(value, _PARAMETER.get(self._kind(name), "text"))

    def _text(self, value: str) -> str:
        return self._parameter(value, "text")

    def _parameter(self, value: Any, type: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{type}"

    def _kind(self, name: str) -> Kind:
        return kind_of(self._collection, name)
