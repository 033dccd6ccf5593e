"""The bases of aggregates and their events, over the `eventsourcing` library.

Public methods decide and may refuse; `_fold` only assigns. An event's `TOPIC` is its stored name, for ever.
"""

from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar, cast
from uuid import UUID

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import register_topic
from pydantic import BaseModel, ConfigDict

from shared.kernel.ids import OrganizationId


class Event(BaseModel, CanMutateAggregate[UUID]):
    """A fact, in the past tense. `timestamp` is when it happened, as the edge was told (aware)."""

    model_config = ConfigDict(frozen=True)

    TOPIC: ClassVar[str]

    originator_id: UUID
    originator_version: int
    timestamp: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate._fold(self)


E = TypeVar("E", bound=Event)


class Birth(Event, CanInitAggregate[UUID]):
    """An aggregate's first event."""

    originator_topic: str


_AnyEvent = Event  # inside `Aggregate` the name `Event` is the library's base event of the class


class Aggregate(BaseAggregate[UUID]):
    """Something that decides. `TOPIC` is its type's name (`records.patient`), the prefix of its events' names.

    A subclass sets its empty state in `__init__`, declares its events nested and in life-cycle order, then decisions,
    then one `_fold` that matches on them.
    """

    TOPIC = "carelog.aggregate"  # without annotation: the library would make dataclasses of all aggregates

    class Event(Event):
        TOPIC: ClassVar[str] = "carelog.event"

    def __init__(self) -> None:
        """The empty state, before the first event."""

    @property
    def parties(self) -> frozenset[OrganizationId]:
        """The organisations that take part in it besides its custodian."""
        return frozenset()

    @classmethod
    def _born(cls, event: type[Birth], *, id: UUID, at: datetime, **facts: Any) -> Self:
        """Begins an aggregate with its first event."""
        return cls._create(event_class=event, id=id, timestamp=at, **facts)

    def _record(self, event: type[_AnyEvent], *, at: datetime, **facts: Any) -> None:
        """Records what was decided. The one place where the library's untyped `trigger_event` is called."""
        self.trigger_event(event, timestamp=at, **facts)

    def _fold(self, event: Any) -> None:
        raise NotImplementedError


def event_class(name: str, base: type[E], *, topic: str) -> type[E]:
    """An event class made from a table: the same facts as its base, under a stored name of its own."""
    made = type(name, (base,), {"TOPIC": topic, "__module__": base.__module__, "__doc__": base.__doc__})
    register_topic(topic, made)
    return cast(type[E], made)
