"""What the log would make of an aggregate: its events through their stored bytes, folded again; from snapshots, too."""

from typing import Any

from shared.kernel import Aggregate
from shared.runtime.log.freezing import freeze, thaw
from shared.runtime.log.mapper import EventMapper

_MAPPER = EventMapper()


def state(aggregate: Aggregate) -> dict[str, Any]:
    """All that it knows, without what waits to be stored."""
    return {name: value for name, value in vars(aggregate).items() if "pending_events" not in name}


def replayed(aggregate: Aggregate) -> Any:
    """The same aggregate, made of what is stored of it. A snapshot after any of its events would change nothing."""
    made: Any = None
    thawed: Any = None
    for event in aggregate.pending_events:
        stored = _MAPPER.to_domain_event(_MAPPER.to_stored_event(event))
        made = stored.mutate(made)
        thawed = thaw(freeze(stored.mutate(thawed)), type(aggregate))
        assert state(thawed) == state(made)
    return made
