"""Speaks of aggregates in events: `given(...).when(...).then(...)`, `.then_refused(...)`, `.then_nothing()`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest

from shared.kernel import Aggregate, CarelogError

A = TypeVar("A", bound=Aggregate)

SOME_ID = UUID("00000000-0000-7000-8000-000000000001")
SOME_TIME = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """An event's class and the fields that matter."""

    event: type[Any]
    fields: dict[str, Any]

    def matches(self, event: Any) -> bool:
        return isinstance(event, self.event) and all(getattr(event, k) == v for k, v in self.fields.items())

    def __repr__(self) -> str:
        return f"{self.event.__qualname__}({', '.join(f'{k}={v!r}' for k, v in self.fields.items())})"


def said(event: type[Any], **fields: Any) -> Said:
    """An event, by its class and fields; id, version and time are filled in."""
    return Said(event, fields)


def _made(kind: type[A], history: tuple[Said, ...]) -> A | None:
    aggregate: Any = None
    for version, fact in enumerate(history, start=1):
        envelope = {"originator_id": SOME_ID, "originator_version": version, "timestamp": SOME_TIME}
        birth = {"originator_topic": kind.TOPIC} if version == 1 else {}
        aggregate = fact.event(**envelope, **birth, **fact.fields).mutate(aggregate)
    return aggregate  # type: ignore[no-any-return]


class Given(Generic[A]):
    def __init__(self, aggregate: A | None) -> None:
        self._aggregate = aggregate

    def when(self, command: Callable[[A], object]) -> "Outcome":
        """Asks the aggregate. For a birth, the command takes None and returns the aggregate."""
        try:
            result = command(self._aggregate)  # type: ignore[arg-type]
        except CarelogError as refusal:
            return Outcome([], refusal)
        aggregate = self._aggregate if self._aggregate is not None else result
        return Outcome(list(aggregate.pending_events), None)  # type: ignore[attr-defined]


@dataclass
class Outcome:
    events: list[Any]
    refusal: CarelogError | None

    def then(self, *expected: Said) -> None:
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert len(self.events) == len(expected), self.events
        for event, fact in zip(self.events, expected, strict=True):
            assert fact.matches(event), f"{event!r} is not {fact!r}"

    def then_refused(self, error: type[CarelogError]) -> None:
        if self.refusal is None:
            pytest.fail(f"not refused, but {self.events}")
        assert isinstance(self.refusal, error), repr(self.refusal)
        assert not self.events

    def then_nothing(self) -> None:
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert self.events == []


def given(kind: type[A], *history: Said) -> Given[A]:
    """An aggregate that these events made (none: not born yet)."""
    return Given(_made(kind, history))
