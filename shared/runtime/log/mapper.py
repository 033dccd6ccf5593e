"""Between events and the bytes the log keeps: the library's mapper, with JSON that keeps every digit.

Upcasting (`class_version`, `upcast_vN_vN+1`) is the library's. Payloads alone are in the bytes; the envelope is
columns.
"""

from functools import cache
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import Mapper, StoredEvent, Transcoder
from eventsourcing.utils import resolve_topic

from shared.kernel import Event
from shared.runtime.json import dumps, loads


class JsonTranscoder(Transcoder):
    """The library's port, over our JSON."""

    def encode(self, obj: Any) -> bytes:
        return dumps(obj)

    def decode(self, data: bytes) -> Any:
        return loads(data)


class EventMapper(Mapper[Any]):
    """The library's mapper, for events that are pydantic models: they are made whole by their own validation."""

    def __init__(self) -> None:
        super().__init__(transcoder=JsonTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        event: Event = domain_event
        state = {name: value for name, value in event.__dict__.items() if name not in _COLUMNS}
        version = _version(type(event))
        if version > 1:
            state["class_version"] = version
        return StoredEvent(
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=type(event).TOPIC,
            state=self.transcoder.encode(state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return self.event(
            cast(UUID, stored_event.originator_id),
            stored_event.originator_version,
            stored_event.topic,
            stored_event.state,
        )

    def event(self, aggregate: UUID, version: int, name: str, state: bytes) -> Any:
        """The event of this name, from its bytes."""
        event_class = cast(type[Event], resolve_topic(name))
        facts: dict[str, Any] = loads(state)
        facts["originator_id"] = aggregate
        facts["originator_version"] = version
        _upcast(event_class, facts)
        return event_class.model_validate(facts)


_COLUMNS = frozenset({"originator_id", "originator_version"})


def _upcast(event_class: type[Event], state: dict[str, Any]) -> None:
    """Raises a state kept by an older version of its class to today's, step by step."""
    stored = state.pop("class_version", 1)
    for version in range(stored, _version(event_class)):
        getattr(event_class, f"upcast_v{version}_v{version + 1}")(state)


@cache
def _version(event_class: type[Event]) -> int:
    """Asked of every event, and pydantic looks long for what is not there."""
    return getattr(event_class, "class_version", 1)
