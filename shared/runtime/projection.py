"""What a projection is: pure functions from contracts to documents. No clock, no offset, no order of arrival.

A *document* is a function of the versions it has seen: `where` says which documents an event belongs to (the same for
all events of its aggregate), `fold` the next state of that one source aggregate, `render` the document from all its
sources. A *journal* is one immutable row for each event.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, get_args

from msgspec import Struct

from shared.contracts.envelope import Contract, Envelope
from shared.runtime.documents.port import Kind, Value

S = TypeVar("S")


class Shown(Struct, frozen=True, kw_only=True):
    """What a document says, and the declared fields it can be found by."""

    body: Mapping[str, Any]
    fields: Mapping[str, Value] = {}


class Projection(Generic[S]):
    """The root of both kinds.

    - `name`: the collection's, and part of the consumer group's name.
    - `hears`: the services whose topics it consumes.
    - `about`: the types of the aggregates it can be about (`records.patient`); None: any. The rest is not read.
    - `fields`, `indexes`: what its documents can be found by (see `documents.port`).
    """

    name: ClassVar[str]
    hears: ClassVar[Sequence[str]]
    about: ClassVar[frozenset[str] | None] = None
    fields: ClassVar[Mapping[str, Kind]] = {}
    indexes: ClassVar[Sequence[Sequence[str]]] = ()

    def settled(self, settings: Any) -> "Projection[S]":
        """The projection as this process's settings want it; most do not depend on any."""
        return self

    @abstractmethod
    def where(self, envelope: Envelope) -> Iterable[str]:
        """The documents that this event's aggregate belongs to, by id; none: it is not for this projection."""


class Documents(Projection[S]):
    """Documents made of the states of their sources.

    `S` is a frozen dataclass of plain values (text, numbers, `Decimal`, `datetime`, lists and dictionaries of them):
    one source's state, kept inside each document it belongs to.
    """

    @abstractmethod
    def fold(self, state: S | None, contract: Contract) -> S:
        """The source's next state. `state` is None before its first event; all its events come by, in order."""

    @abstractmethod
    def render(self, id: str, states: Mapping[str, S]) -> Shown | None:
        """The document from its sources' states (by aggregate id, in order of id); None: not to be seen yet."""

    @classmethod
    def state_type(cls) -> type[S]:
        """The `S` this projection was declared with."""
        for base in getattr(cls, "__orig_bases__", ()):
            if arguments := get_args(base):
                return arguments[0]  # type: ignore[no-any-return]
        raise TypeError(f"{cls.__name__} does not say what its state is")


class Journal(Projection[None]):
    """One immutable row for each event; the row's id is the event's."""

    @abstractmethod
    def row(self, contract: Contract) -> Shown | None:
        """What the event says; None: heard, but not shown."""

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.id,)
