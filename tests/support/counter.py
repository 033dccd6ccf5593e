"""The smallest aggregate, for tests of the runtime."""

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from shared.kernel import Actor, Aggregate, Birth, Event, OrganizationId, Refused
from shared.runtime.mandate import Mandate


class Full(Refused):
    """The counter is full."""


class Counter(Aggregate):
    """Counts up to its limit."""

    TOPIC = "records.counter"

    class Opened(Birth):
        TOPIC: ClassVar[str] = "records.counter.opened"

        limit: int
        note: str = ""

    class Counted(Event):
        TOPIC: ClassVar[str] = "records.counter.counted"

        by: int

    def __init__(self) -> None:
        self.limit = 0
        self.total = 0

    @classmethod
    def open(cls, *, id: UUID, at: datetime, limit: int = 1_000_000, note: str = "") -> Self:
        return cls._born(cls.Opened, id=id, at=at, limit=limit, note=note)

    def count(self, *, at: datetime, by: int = 1) -> None:
        if self.total + by > self.limit:
            raise Full
        self._record(Counter.Counted, at=at, by=by)

    def _fold(self, event: Event) -> None:
        match event:
            case Counter.Opened():
                self.limit = event.limit
            case Counter.Counted():
                self.total += event.by
            case _:
                raise AssertionError(event)


NORTH = Actor(subject="alice", role="clinician", organization=OrganizationId("north"))


def mandate(**changes: object) -> Mandate:
    """A command of Alice's."""
    return Mandate(**{"actor": NORTH, "action": "directory.write", **changes})  # type: ignore[arg-type]
