"""Tells the dead-letter topics what is set aside: ids and the error's class, never what a message said.

Told from the table, at least once, by the one worker that has the duty; told again where the error is another one.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from shared.runtime.bus.topics import dead_letter_topic
from shared.runtime.bus.wire import Message, Outlet
from shared.runtime.json import dumps
from shared.runtime.log import Log

_AT_ONCE = 500

_UNTOLD = """
    SELECT consumer, topic, partition, offset_at, source, sequence, event, type, error, parked_at FROM parked
    WHERE NOT told AND again_at IS NULL ORDER BY parked_at LIMIT $1
"""
_TOLD = """
    UPDATE parked p SET told = true
    FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::text[]) AS t(consumer, topic, part, at, error)
    WHERE p.consumer = t.consumer AND p.topic = t.topic AND p.partition = t.part AND p.offset_at = t.at
        AND p.error = t.error
"""

OpenOutlet = Callable[[], AbstractAsyncContextManager[Outlet]]
MakeTopics = Callable[[Iterable[str]], Awaitable[object]]


class DeadLetters:
    """Of one service's consumer groups."""

    def __init__(self, *, log: Log, outlet: OpenOutlet, topics: MakeTopics) -> None:
        self._log = log
        self._outlet = outlet
        self._topics = topics

    async def round(self) -> bool:
        """Tells what is not told yet. Whether there may be more."""
        rows = await self._log.fetch(_UNTOLD, _AT_ONCE)
        if not rows:
            return False
        by_group: dict[tuple[str, int], list[Message]] = {}
        for row in rows:
            by_group.setdefault((dead_letter_topic(row["consumer"]), 0), []).append(_letter(row))
        await self._topics({row["consumer"] for row in rows})
        async with self._outlet() as outlet:
            await outlet.publish(by_group)
        names = ("consumer", "topic", "partition", "offset_at", "error")
        await self._log.fetch(_TOLD, *([row[name] for row in rows] for name in names))
        return len(rows) == _AT_ONCE


def _letter(row: Any) -> Message:
    told = _told(row)
    headers: Sequence[tuple[str, str]] = [(f"carelog_{name}", str(value)) for name, value in told.items()]
    key = str(row["source"] or row["event"])
    return Message(key.encode(), dumps(told), [(name, value.encode()) for name, value in headers])


def _told(row: Any) -> Mapping[str, Any]:
    said = {name: row[name] for name in ("consumer", "topic", "partition", "event", "type")}
    return {
        **said,
        "offset": row["offset_at"],
        "source": str(row["source"]) if row["source"] else "",
        "error": row["error"].split(" | ", 1)[0],
        "parkedat": row["parked_at"].isoformat(),
    }
