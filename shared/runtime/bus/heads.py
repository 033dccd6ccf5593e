"""Compares what is applied with what there is, regularly: a hole at the tail cannot be seen from versions (ADR 0020).

The owner tells the heads of a stretch of its log, of what is published. What a consumer lacks of them, although it has
read all that was in the topic, the topic has lost: for a projection it is a hole, which `healing` fills; for reactions
it is an event that they have not answered, and do now.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from shared.contracts.catalogue import topic_of
from shared.runtime.bus.kept import Kept
from shared.runtime.bus.missed import Missed
from shared.runtime.feed import Feed, Window
from shared.runtime.log import Log
from shared.runtime.projecting import Hole
from shared.runtime.reports import Reports

AGE = 30.0
"""seconds that an event has to come by itself"""
PAGE = 500
"""positions that are compared at once"""

_LOG = logging.getLogger(__name__)

Passed = Callable[[str, str], Awaitable[bool]]
"""of a group and a topic: whether the group has got past all that is in the topic now"""


class Heads:
    """Of one service's projections and reactions."""

    def __init__(self, *, log: Log, feeds: Mapping[str, Feed], reports: Reports, passed: Passed) -> None:
        self._log = log
        self._feeds = feeds
        self._reports = reports
        self._passed = passed

    async def of_projection(self, kept: Kept, owner: str) -> bool:
        """The next stretch of an owner's log. Whether there is more to compare."""
        after = await self._compared(kept.label, owner)
        window = await self._feeds[owner].heads(after or 0, limit=PAGE, age=AGE, each="aggregate")
        if await kept.lacking(window.heads):
            if not await self._passed(kept.group, topic_of(owner)):
                return False  # it is on its way
            await self._lost(kept, owner, await kept.lacking(window.heads))
        return await self._done(kept.label, owner, window, after)

    async def _lost(self, kept: Kept, owner: str, holes: Sequence[Hole]) -> None:
        for hole in holes:
            ids = {"projection": kept.label, "aggregate": str(hole.source), "version": hole.got}
            _LOG.error("an event has not come by its topic", extra=ids)
        await self._reports.holes(kept.label, holes, owners={hole.source: owner for hole in holes})

    async def of_reactions(self, missed: Missed, owner: str) -> bool:
        """The same for reactions: they must have answered every event, not only the heads."""
        kept = await self._compared(missed.group, owner)
        feed = self._feeds[owner]
        after = await self._beginning(feed) if kept is None else kept
        window = await feed.heads(after, limit=PAGE, age=AGE, each="event")
        if await missed.unanswered(window.heads):
            if not await self._passed(missed.group, topic_of(owner)):
                return False
            if lacking := await missed.unanswered(window.heads):
                await _answer(missed, lacking, feed, after=after, to=window.to)
        return await self._done(missed.group, owner, window, kept)

    async def _beginning(self, feed: Feed) -> int:
        """A log that is older than these comparisons is compared from now on: a new reaction does not answer old
        events. Any other from its beginning, however late the first comparison is.
        """
        [row] = await self._log.fetch("SELECT used_before FROM log")
        return (await feed.heads(0, limit=1, age=0, each="aggregate")).head if row["used_before"] else 0

    async def _compared(self, label: str, owner: str) -> int | None:
        rows = await self._log.fetch("SELECT position FROM compared WHERE consumer = $1 AND owner = $2", label, owner)
        return rows[0]["position"] if rows else None

    async def _done(self, label: str, owner: str, window: Window, after: int | None) -> bool:
        if window.to != after:
            await self._log.fetch(
                "INSERT INTO compared (consumer, owner, position) VALUES ($1, $2, $3)"
                " ON CONFLICT (consumer, owner) DO UPDATE SET position = excluded.position, compared_at = now()",
                label,
                owner,
                window.to,
            )
        return window.to - (after or 0) >= PAGE


async def _answer(missed: Missed, lacking: set[str], feed: Feed, *, after: int, to: int) -> None:
    while after < to and (page := await feed.contracts_after(after, to - after)):
        await missed.answer(lacking, page)
        after = page[-1].envelope.place
