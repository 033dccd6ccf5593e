"""A query in MongoDB's words. A value stands behind an operator of ours, always: whatever it holds, it is compared.

That one of several values begins so takes a regular expression, anchored and escaped (an index serves it): FerretDB
lets each bound of an $elemMatch find a value of its own.
"""

import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from shared.runtime.documents.mongodb.rows import Json, path, written
from shared.runtime.documents.port import AnyOf, Collection, Equal, In, Prefix, Query, Range, Scalar, Term
from shared.runtime.documents.values import SEVERAL, after_prefix

_NOTHING: Json = {"_id": {"$in": []}}
_EVERYTHING: Json = {"_id": {"$exists": True}}
_SIGNS = {"ge": "$gte", "gt": "$gt", "le": "$lte", "lt": "$lt"}


def all_of(collection: Collection, where: Sequence[Term], *more: Json) -> Json:
    return {"$and": [{"visible": True}, *(_condition(collection, term) for term in where), *more]}


def _condition(collection: Collection, term: Term) -> Json:
    match term:
        case Equal(name, value):
            return {path(name): {"$eq": written(value)}}
        case In(name, values):
            return {path(name): {"$in": [written(value) for value in values]}}
        case Prefix(name, ""):
            return {path(name): {"$exists": True}}
        case Prefix(name, beginning) if collection.fields[name] in SEVERAL:
            return {path(name): {"$regex": f"^{re.escape(beginning)}"}}
        case Prefix(name, beginning):
            above = after_prefix(beginning)
            return {path(name): {"$gte": beginning} | ({"$lt": above} if above is not None else {})}
        case Range():
            return _range(term)
        case AnyOf(several):
            return {"$or": [_condition(collection, each) for each in several]} if several else _NOTHING
        case _:
            assert_never(term)


def _range(term: Range) -> Json:
    bounds = {sign: written(bound) for key, sign in _SIGNS.items() if (bound := getattr(term, key)) is not None}
    if not bounds:
        return _EVERYTHING
    held: Json = {path(term.field): bounds}
    return held if bounds.keys() & {"$gte", "$gt"} else {"$or": [{path(term.field): None}, held]}


def order(query: Query) -> list[tuple[str, int]]:
    if query.order is None:
        return [("_id", 1)]
    direction = -1 if query.order.descending else 1
    return [(path(query.order.field), direction), ("_id", direction)]


def beyond(query: Query) -> Iterator[Json]:
    """What comes after the place where the page before ended."""
    if query.after is None:
        return
    sign = "$lt" if query.order and query.order.descending else "$gt"
    value, id = query.after
    place: Json = {"_id": {sign: id}}
    yield _behind(path(query.order.field), value, place, sign) if query.order else place


def _behind(name: str, value: Scalar | None, place: Json, sign: str) -> Json:
    """Equal values with an id further on, or a value further on: absent ones are the lowest."""
    if value is None:
        equal: Json = {"$and": [{name: None}, place]}
        return {"$or": [equal, {name: {"$ne": None}}]} if sign == "$gt" else equal
    absent: list[Json] = [{name: None}] if sign == "$lt" else []
    return {"$or": [{"$and": [{name: {"$eq": written(value)}}, place]}, {name: {sign: written(value)}}, *absent]}
