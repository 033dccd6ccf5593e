"""A log as others may see it: contracts in the order of commit, one aggregate's, and the heads that consumers compare.

`LogFeed` is a service's own, straight from its database; `bus.feeds` asks other services for theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from shared.contracts.envelope import Contract, Envelope
from shared.runtime.log import Log
from shared.runtime.log.extracts import BOUNDS, HEADS, OF_ONE, PAGE_BYTES
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher

AT_MOST = 1_000
"""events in one answer"""

Each = Literal["aggregate", "event"]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a log: its heads (the newest event in it of each aggregate, or every event), the position it goes
    up to, and the position up to which the log is published.
    """

    heads: Sequence[Envelope]
    to: int
    head: int


class Feed(Protocol):
    """A service's log, as its owner shows it. Raises `Unavailable` where that cannot be asked.

    Pages may be shorter than their limit, where events are large: an empty one is the end.
    """

    async def contracts_after(self, position: int, limit: int) -> Sequence[Contract]:
        """The events after a position, in the order of the log."""

    async def contracts_of(self, aggregate: UUID, *, after: int = 0, limit: int = AT_MOST) -> Sequence[Contract]:
        """An aggregate's events after a version, oldest first; none where it is not known."""

    async def heads(self, after: int, *, limit: int, age: float, each: Each) -> Window:
        """Of at most `limit` positions: what is published, and was recorded at least `age` seconds ago."""


class LogFeed:
    """The own log, for the feed's doors and for this service's consumers."""

    def __init__(self, *, log: Log, publisher: Publisher) -> None:
        self._log = log
        self._publisher = publisher

    async def contracts_after(self, position: int, limit: int) -> Sequence[Contract]:
        return [self._publisher.contract(stored) for stored in await self._log.after(position, limit=limit)]

    async def contracts_of(self, aggregate: UUID, *, after: int = 0, limit: int = AT_MOST) -> Sequence[Contract]:
        rows = await self._log.fetch(OF_ONE, aggregate, after, limit, PAGE_BYTES)
        return [self._publisher.contract(Stored(**row)) for row in rows]

    async def heads(self, after: int, *, limit: int, age: float, each: Each = "aggregate") -> Window:
        [bounds] = await self._log.fetch(BOUNDS, after, limit, age)
        rows = await self._log.fetch(HEADS[each], after, bounds["up_to"])
        heads = [self._publisher.envelope(Stored(**row)) for row in rows]
        return Window(heads, to=bounds["up_to"], head=bounds["head"])
