"""Reads documents: of the generation that is live, in the scope of who asks, and not before a version it waits for."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from shared.kernel import Actor, Field, Invalid, NotFound, Unavailable
from shared.runtime.documents.port import (
    AnyOf,
    Collection,
    Document,
    Documents,
    Equal,
    In,
    Kind,
    Order,
    Query,
    Scalar,
    Term,
)
from shared.runtime.json import dumps, loads
from shared.runtime.nearness import Nearness
from shared.runtime.policy import permit
from shared.runtime.projecting import collection_name
from shared.runtime.projection import Projection

_ALIASES_FOR = 1.0
"""seconds that a reader trusts what the aliases said; the generation before stays readable for much longer"""

Body = dict[str, Any]
Waited = Sequence[tuple[UUID, int]]
Places = Callable[[type[Projection[Any]], UUID, int], Awaitable[tuple[Collection, Sequence[str]]]]
"""where a version of an aggregate shows in a projection: in which collection, in which documents"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents' bodies, and the cursor of what comes after them (None: nothing does)."""

    items: list[Body]
    next: str | None


class Shelf:
    """The documents of each projection's live generation."""

    def __init__(self, *, store: Documents) -> None:
        self.store = store
        self._aliases: Mapping[str, str] = {}
        self._read_at = float("-inf")

    async def collection(self, projection: type[Projection[Any]]) -> Collection:
        if monotonic() - self._read_at > _ALIASES_FOR:
            self._aliases = await self.store.aliases()
            self._read_at = monotonic()
        name = self._aliases.get(projection.name) or collection_name(projection, 1)
        return Collection(name, projection.fields, projection.indexes)

    async def get(self, projection: type[Projection[Any]], id: str) -> Document | None:
        return await self.store.get(await self.collection(projection), id)

    async def find(self, projection: type[Projection[Any]], query: Query) -> Sequence[Document]:
        return await self.store.find(await self.collection(projection), query)

    async def count(self, projection: type[Projection[Any]], where: Sequence[Term]) -> int:
        return await self.store.count(await self.collection(projection), where)


class Reader:
    """What queries ask. Every answer is in the scope of the actor: what it may not know is as if it were not there.

    A patient's documents declare the fields `organization` (the custodian) and `patient`, those with other parties
    `parties` (texts): the scope is made of them.
    """

    def __init__(self, *, shelf: Shelf, nearness: Nearness, awaits: "Awaits") -> None:
        self._shelf = shelf
        self._nearness = nearness
        self._awaits = awaits

    async def get(self, projection: type[Projection[Any]], id: str, *, actor: Actor, action: str) -> Body:
        """The document with this id. Raises `NotFound` where there is none that the actor may know."""
        scope = await self._scope(projection, actor, action, patient=None)
        document = await self._shelf.get(projection, id)
        if document is None or not all(_meets(document, term) for term in scope):
            raise NotFound
        return _body(document)

    async def find(
        self,
        projection: type[Projection[Any]],
        *,
        actor: Actor,
        action: str,
        where: Sequence[Term] = (),
        patient: UUID | None = None,
        order: Order | None = None,
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """A page of documents. `patient`: only this one's. Raises `Invalid` for a cursor that is not one of ours."""
        await self._awaits.until(projection, wait_for)
        scope = await self._scope(projection, actor, action, patient=patient)
        terms = (*where, *scope, *((Equal("patient", str(patient)),) if patient else ()))
        kind = projection.fields[order.field] if order else None
        query = Query(where=terms, order=order, after=_after(cursor, kind), limit=limit + 1)
        found = await self._shelf.find(projection, query)
        more = len(found) > limit
        return Page([_body(document) for document in found[:limit]], _cursor(found[limit - 1], order) if more else None)

    async def count(
        self,
        projection: type[Projection[Any]],
        *,
        actor: Actor,
        action: str,
        where: Sequence[Term] = (),
        patient: UUID | None = None,
    ) -> int:
        scope = await self._scope(projection, actor, action, patient=patient)
        terms = (*where, *scope, *((Equal("patient", str(patient)),) if patient else ()))
        return await self._shelf.count(projection, terms)

    async def knows(self, *, actor: Actor, patient: UUID) -> bool:
        """Whether the actor's organisation has a care relationship to the patient, as far as is known here."""
        return await self._nearness.related(organization=actor.organization, patient=patient)

    async def _scope(
        self, projection: type[Projection[Any]], actor: Actor, action: str, *, patient: UUID | None
    ) -> Sequence[Term]:
        rule = permit(actor, action)
        if rule.scope == "open":
            return ()
        terms: list[Term] = [Equal("organization", actor.organization)]
        if rule.scope in ("party", "related") and "parties" in projection.fields:
            terms.append(Equal("parties", actor.organization))
        if rule.scope == "related":
            if patient and await self._nearness.related(organization=actor.organization, patient=patient):
                return ()
            if patient is None:
                terms.append(In("patient", sorted(await self._nearness.patients_of(organization=actor.organization))))
        return (AnyOf(terms),)


class Awaits:
    """Waits until a projection has applied what a caller has just written."""

    def __init__(self, *, shelf: Shelf, places: Places, limit: float) -> None:
        self._shelf = shelf
        self._places = places
        self._limit = limit

    async def until(self, projection: type[Projection[Any]], versions: Waited) -> None:
        """Returns when all these versions are in. Raises `Unavailable` after the limit (seconds), `Invalid` for an
        aggregate that this projection's documents cannot be found by.
        """
        deadline = monotonic() + self._limit
        for aggregate, version in versions:
            while not await self._applied(projection, aggregate, version):
                if monotonic() > deadline:
                    raise Unavailable("This read does not show that version yet: ask again.")
                await asyncio.sleep(0.01)

    async def _applied(self, projection: type[Projection[Any]], aggregate: UUID, version: int) -> bool:
        collection, ids = await self._places(projection, aggregate, version)
        stored = await self._shelf.store.read(collection, ids)
        return all(id in stored and _version_in(stored[id], aggregate) >= version for id in ids)


def _version_in(document: Document, aggregate: UUID) -> int:
    """How much of the aggregate a document has seen. A journal's source document is its revision alone."""
    sources = loads(document.sources)
    return int(sources[str(aggregate)][0]) if str(aggregate) in sources else (0 if sources else document.revision)


def _meets(document: Document, term: Term) -> bool:
    match term:
        case AnyOf():
            return any(_meets(document, one) for one in term.terms)
        case Equal():
            value = document.fields.get(term.field)
            return term.value in value if isinstance(value, list | tuple) else value == term.value
        case In():
            return document.fields.get(term.field) in term.values
        case _:
            raise TypeError("a scope is made of organisations and patients")


def _body(document: Document) -> Body:
    body: Body = loads(document.body)
    return body


def _cursor(last: Document, order: Order | None) -> str:
    value = last.fields.get(order.field) if order else None
    kind = "t" if isinstance(value, datetime) else "v"
    text = value.isoformat() if isinstance(value, datetime) else value
    return urlsafe_b64encode(dumps([kind, text, last.id])).decode().rstrip("=")


def _after(cursor: str | None, kind: Kind | None) -> tuple[Scalar | None, str] | None:
    """Where the page before ended, in an order by a field of this kind (None: by id alone)."""
    if not cursor:
        return None
    try:
        form, value, id = loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = datetime.fromisoformat(value) if form == "t" else value
        if not isinstance(id, str) or not (place is None or _fits(place, kind)):
            raise TypeError
        return place, id
    except (ValueError, TypeError):
        raise Invalid(Field("cursor", "is not a cursor that this list has given", "value")) from None


def _fits(place: Any, kind: Kind | None) -> bool:
    """Whether a list in an order by a field of this kind can have such a place."""
    match kind:
        case "time":
            return isinstance(place, datetime) and place.tzinfo is not None
        case "number":
            return type(place) is int
        case "flag":
            return type(place) is bool
        case _:
            return kind is not None and isinstance(place, str)
