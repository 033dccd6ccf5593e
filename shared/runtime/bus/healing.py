"""Fills holes from the owners' feeds: what a topic lost is pulled from the log that it was published from (ADR 0020).

It is applied beside the live consumer; the documents' guards make that safe. A hole leaves the record when every
document has got past it. One that its owner cannot fill stays, with what is in the way.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.kernel import CarelogError
from shared.runtime.bus.kept import Kept
from shared.runtime.feed import Feed
from shared.runtime.log import Log

_SOURCES_AT_ONCE = 50
_EVENTS_AT_ONCE = 100
UNKNOWN = "its owner has no such version"
NO_FEED = "no feed of its owner is known here"

_LOG = logging.getLogger(__name__)

_DUE = """
    SELECT h.projection, h.source, min(h.expected) AS expected, max(h.got) AS got, max(h.owner) AS owner,
        max(h.trouble) AS trouble, array_agg(h.document) AS documents
    FROM holes h
    WHERE h.projection = ANY($1::text[]) AND h.next_at <= clock_timestamp()
        AND NOT EXISTS (SELECT FROM parked p WHERE p.consumer = ($2::text[])[array_position($1::text[], h.projection)]
            AND p.source = h.source)
    GROUP BY 1, 2 ORDER BY min(h.next_at) LIMIT $3
"""
_FILLED = "DELETE FROM holes WHERE projection = $1 AND source = $2 AND got <= $3"
_LATER = """
    UPDATE holes SET tries = tries + 1, trouble = $3,
        next_at = clock_timestamp() + least(interval '10 minutes', interval '1 second' * (2 ^ least(tries + 1, 10)))
    WHERE projection = $1 AND source = $2
"""


@dataclass(frozen=True, slots=True)
class _Gap:
    """A source that stands still in a projection: what comes first of what it lacks, and what it has to get past."""

    kept: Kept
    source: UUID
    expected: int
    got: int
    owner: str | None
    trouble: str | None
    documents: Sequence[str]

    async def reached(self) -> int:
        return await self.kept.reached(self.source, self.documents)


class Healing:
    """Of one service's projections. `healed` counts the sources that go on again."""

    def __init__(self, *, log: Log, feeds: Mapping[str, Feed]) -> None:
        self.healed = 0
        self._log = log
        self._feeds = feeds

    async def round(self, kept: Sequence[Kept]) -> bool:
        """Tries the holes that are due, but for sources that are set aside. Whether there may be more to do."""
        by_label = {one.label: one for one in kept}
        groups = [one.group for one in kept]
        rows = await self._log.fetch(_DUE, [*by_label], groups, _SOURCES_AT_ONCE)
        for row in rows:
            await self._heal(_gap(by_label[row["projection"]], row))
        return len(rows) == _SOURCES_AT_ONCE

    async def _heal(self, gap: _Gap) -> None:
        trouble = await self._trouble(gap)
        said = {"projection": gap.kept.label, "aggregate": gap.source, "version": gap.got, "error": trouble}
        if trouble is None:
            self.healed += 1
            _LOG.info("a hole is filled", extra=said)
            await self._log.fetch(_FILLED, gap.kept.label, gap.source, await gap.reached())
            return
        if trouble != gap.trouble:
            _LOG.error("a hole cannot be filled yet", extra=said)
        await self._log.fetch(_LATER, gap.kept.label, gap.source, trouble)

    async def _trouble(self, gap: _Gap) -> str | None:
        """What is in the way of filling it; None: it is filled, by us or because what was missing came after all."""
        try:
            if await gap.reached() < gap.got:
                await self._fill(gap)
            return None if await gap.reached() >= gap.got else UNKNOWN
        except CarelogError as error:
            return error.code
        except KeyError:
            return NO_FEED
        except Exception as error:  # noqa: BLE001 - one that cannot be applied must not keep the others
            return type(error).__name__

    async def _fill(self, gap: _Gap) -> None:
        """Applies what the owner has of it."""
        feed = self._feed(gap)
        after = lowest = gap.expected - 1
        while page := await feed.contracts_of(gap.source, after=after, limit=_EVENTS_AT_ONCE):
            after = await self._apply(gap.kept, page)
            if after < lowest:  # a document lacks more than was on record
                lowest = after
            elif after < page[-1].envelope.sequence:
                return  # the feed does not begin where it was asked to: it will not the next time either

    async def _apply(self, kept: Kept, page: Sequence[Contract]) -> int:
        """The version to go on after: the page's last, or the one before a hole that is left."""
        holes = await kept.applies.apply(page)
        return min([hole.expected - 1 for hole in holes], default=page[-1].envelope.sequence)

    def _feed(self, gap: _Gap) -> Feed:
        """Of its owner; a record of before does not say who that is, where only one can be it is all the same."""
        hears = gap.kept.projection.hears
        if gap.owner is None and len(hears) > 1:
            raise KeyError(NO_FEED)
        return self._feeds[gap.owner or hears[0]]


def _gap(kept: Kept, row: Any) -> _Gap:
    return _Gap(kept, row["source"], row["expected"], row["got"], row["owner"], row["trouble"], row["documents"])
