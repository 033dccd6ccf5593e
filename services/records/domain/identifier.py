"""Identifier: a name that only one may bear, as an aggregate of its own. Its id is made of the name (uuid5).

A patient's identifier is unique within the organisation that registers it, one of the directory for everybody. Claimed
in the transaction that records its bearer: two registrations at once cannot make two patients, however late documents
are.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from services.records.domain.fhir import Resource
from shared.kernel import Aggregate, Birth, Event, Refused, named_id

UNIQUE_FOR_ALL = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})
UNIQUE = UNIQUE_FOR_ALL | {"Patient"}
"""the types whose identifiers are claimed: whoever bears one of them can be found at once, by its identifier alone"""


class IdentifierTaken(Refused):
    """Another one has this identifier: find it by its identifier, and amend it."""


class Identifier(Aggregate):
    """`system|value` of one type, borne by at most one resource at a time."""

    TOPIC = "records.identifier"

    class Claimed(Birth):
        TOPIC: ClassVar[str] = "records.identifier.claimed"

        type: str
        system: str
        value: str
        bearer: UUID

    class Released(Event):
        TOPIC: ClassVar[str] = "records.identifier.released"

    class ClaimedAgain(Event):
        TOPIC: ClassVar[str] = "records.identifier.claimed-again"

        bearer: UUID

    def __init__(self) -> None:
        self.bearer: UUID | None = None

    @classmethod
    def claim(cls, *, id: UUID, at: datetime, type: str, system: str, value: str, bearer: UUID) -> Self:
        return cls._born(cls.Claimed, id=id, at=at, type=type, system=system, value=value, bearer=bearer)

    def claim_again(self, *, at: datetime, bearer: UUID) -> None:
        """Raises `IdentifierTaken` while another one bears it."""
        if self.bearer == bearer:
            return
        if self.bearer is not None:
            raise IdentifierTaken
        self._record(Identifier.ClaimedAgain, at=at, bearer=bearer)

    def release(self, *, at: datetime, by: UUID) -> None:
        """Nothing happens where `by` does not bear it."""
        if self.bearer == by:
            self._record(Identifier.Released, at=at)

    def _fold(self, event: Event) -> None:
        match event:
            case Identifier.Claimed() | Identifier.ClaimedAgain():
                self.bearer = event.bearer
            case Identifier.Released():
                self.bearer = None
            case _:
                raise TypeError(type(event).__name__)


def identifier_id(*, type: str, system: str, value: str, organization: str) -> UUID:
    """The id of the identifier's aggregate. `organization` counts where the type is not unique for all."""
    scope = "" if type in UNIQUE_FOR_ALL else organization
    return named_id("identifier", scope, type, system, value)


def unique_identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    """The (system, value) pairs that a patient or an entry of the directory claims: those that have both."""
    if resource["resourceType"] in UNIQUE:
        found: Any = resource.get("identifier", ())
        yield from dict.fromkeys((i["system"], i["value"]) for i in found if i.get("system") and i.get("value"))
