"""A FHIR search as a question to the documents (FHIR R4, search). What is not built is refused by name, not ignored."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.records.domain.fhir import EARLIEST, folded, period_of
from services.records.edges.fhir.parameters import Kind, Parameter, parameters
from services.records.edges.fhir.primitives import id as id_fault
from services.records.edges.fhir.primitives import unstorable
from shared.kernel import Field, Invalid
from shared.runtime.documents.port import AnyOf, Equal, In, Prefix, Range, Term

COUNT = 50
MOST = 500
"""Resources on a page: asked for nothing, and at most."""

_LONGEST = 1_000
_MOST_VALUES = 200
_OURS = frozenset({"_count", "_cursor", "_format"})
_JSON = frozenset({"json", "application/json", "application/fhir+json"})


class InvalidSearch(Invalid):
    """The search cannot be done as asked: see the parameters."""

    status = 400
    title = "Invalid search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """`terms` all hold; `cursor` is where the page before ended; `asked` makes the links of the answer."""

    type: str
    terms: Sequence[Term]
    count: int = COUNT
    cursor: str | None = None
    asked: Sequence[tuple[str, str]] = ()


def read_search(*, type: str, query: Sequence[tuple[str, str]]) -> Search:
    """The search that decoded query parameters ask for. Repeated parameters are and, values with commas are or.

    Raises `InvalidSearch` with every parameter that is unknown, has a modifier or a value that cannot be read.
    """
    own = {name: value for name, value in query if name in _OURS}
    terms: list[Term] = [Equal("type", type)]
    faults = [*_page_faults(own)]
    for name, value in query:
        if name not in _OURS:
            _add(name, value, parameters(type=type), terms, faults)
    if faults:
        raise InvalidSearch(*faults)
    count = min(int(own.get("_count", COUNT)), MOST)
    asked = tuple((name, value) for name, value in query if name != "_cursor")
    return Search(type=type, terms=tuple(terms), count=count, cursor=own.get("_cursor"), asked=asked)


def _page_faults(own: Mapping[str, str]) -> Iterator[Field]:
    count = own.get("_count", "1")
    if not (count.isascii() and count.isdigit() and len(count) < 10 and int(count)):
        yield Field("_count", "must be a whole number from 1", "value")
    if own.get("_format", "json") not in _JSON:
        yield Field("_format", "must be json", "not-supported")


def _add(name: str, value: str, known: Mapping[str, Parameter], terms: list[Term], faults: list[Field]) -> None:
    parameter = known.get(name)
    if parameter is None:
        faults.append(_unknown(name, known))
        return
    try:
        terms.extend(_READERS[parameter.kind](parameter.field, _values(value)))
    except ValueError as broken:
        faults.append(Field(name, str(broken), "value"))


def _unknown(name: str, known: Mapping[str, Parameter]) -> Field:
    """A parameter's name is told only where it is one of ours; a stranger's may hold anything."""
    plain, colon, _ = name.partition(":")
    if colon and plain in known:
        return Field(plain, "must be without a modifier: none is supported", "not-supported")
    spelled = (
        plain if len(plain) <= 64 and plain.replace("-", "").replace("_", "").isalpha() and plain.isascii() else "query"
    )
    return Field(spelled, "is not a search parameter here: " + ", ".join(sorted(known)), "not-supported")


def _values(text: str) -> list[str]:
    """The values with commas between; a backslash makes a comma, bar, dollar or backslash a plain one."""
    if len(text) > _LONGEST * 10 or unstorable(text):
        raise ValueError("must be shorter, and text")
    values, value, signs = [], "", iter(text)
    for sign in signs:
        if sign == ",":
            values.append(value)
            value = ""
        else:
            value += next(signs, "") if sign == "\\" else sign
    values.append(value)
    if len(values) > _MOST_VALUES or any(not value or len(value) > _LONGEST for value in values):
        raise ValueError(f"must have 1 to {_MOST_VALUES} values with commas between, none of them empty")
    return values


def _tokens(field: str, values: list[str]) -> list[Term]:
    """`value`, `system|value`, `|value`; a status is a code of its own, so its system does not count."""
    if field in {"status", "id"}:
        values = [value.rpartition("|")[2] for value in values]
    if any(value.endswith("|") or not value for value in values):
        raise ValueError("must name a code, not only its system")
    return [Equal(field, values[0]) if len(values) == 1 else In(field, values)]


def _references(field: str, values: list[str]) -> list[Term]:
    ids = [value.removeprefix("Patient/") for value in values]
    if any(id_fault(id) for id in ids):
        raise ValueError("must be an id, or Patient/id")
    return _tokens(field, ids)


def _strings(field: str, values: list[str]) -> list[Term]:
    begins = [Prefix(field, folded(value)) for value in values]
    if not all(prefix.value for prefix in begins):
        raise ValueError("must have letters")
    return [begins[0] if len(begins) == 1 else AnyOf(begins)]


def _dates(field: str, values: list[str]) -> list[Term]:
    """FHIR R4, search: date. An instant (`updated`) is compared as such, all else as the span that it covers."""
    compared = [_instants(field, value) if field == "updated" else _spans(field, value) for value in values]
    if len(compared) == 1:
        return compared[0]
    if any(len(terms) > 1 for terms in compared):
        raise ValueError("must be one date, or several that each have one of the prefixes gt, ge, lt and le")
    return [AnyOf([term for terms in compared for term in terms])]


def _instants(field: str, value: str) -> list[Term]:
    prefix, start, end = _compared(value)
    ranges = {
        "eq": Range(field=field, ge=start, lt=end),
        "gt": Range(field=field, ge=end),
        "ge": Range(field=field, ge=start),
        "lt": Range(field=field, ge=EARLIEST, lt=start),
        "le": Range(field=field, ge=EARLIEST, lt=end),
    }
    return [ranges[prefix]]


def _spans(field: str, value: str) -> list[Term]:
    """`ge=EARLIEST` leaves out those without a date: a store ranks them below every date."""
    prefix, start, end = _compared(value)
    first, last = f"{field}_start", f"{field}_end"
    inside = Range(field=first, ge=start), Range(field=last, ge=EARLIEST, le=end)
    after, before = Range(field=last, gt=end), Range(field=first, ge=EARLIEST, lt=start)
    terms: Mapping[str, list[Term]] = {
        "eq": [*inside],
        "gt": [after],
        "ge": [AnyOf([after, inside[0]])],
        "lt": [before],
        "le": [AnyOf([before, inside[1]])],
    }
    return terms[prefix]


def _compared(value: str) -> tuple[str, datetime, datetime]:
    prefix, date = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    if prefix in {"ne", "sa", "eb", "ap"}:
        raise ValueError("must have one of the prefixes eq, gt, ge, lt and le: the others are not supported")
    if prefix not in {"eq", "gt", "ge", "lt", "le"}:
        raise ValueError("must be a date, with or without one of the prefixes eq, gt, ge, lt and le")
    try:
        return prefix, *period_of(date)
    except ValueError:
        raise ValueError("must be a date that exists: YYYY, YYYY-MM, YYYY-MM-DD or with time and zone") from None


_READERS: Mapping[Kind, Callable[[str, list[str]], list[Term]]] = {
    "token": _tokens,
    "string": _strings,
    "date": _dates,
    "reference": _references,
}
