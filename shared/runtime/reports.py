"""What has gone wrong and stands until it is mended: holes and stopped partitions, in the service's own database."""

import re
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from shared.runtime.log import Log
from shared.runtime.projecting import Hole

_EVENT = re.compile(rb"[0-9a-fA-F-]{36}\.\d{1,9}")


class Reports:
    """The record that operators read; healing and replay take from it."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def holes(self, projection: str, holes: Sequence[Hole]) -> None:
        """A hole that is on record stays as it was first noticed."""
        await self._log.pool.executemany(
            "INSERT INTO holes (projection, source, document, expected, got) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            [(projection, hole.source, hole.document, hole.expected, hole.got) for hole in holes],
        )

    async def stopped(self, consumer: str, record: Any, error: BaseException) -> None:
        """Says where, and the error's class: never a value of the message, nor an id that is none."""
        id = dict(record.headers).get("ce_id") or b""
        await self._log.pool.execute(
            "INSERT INTO stopped (consumer, topic, partition, offset_at, event, error) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (consumer, topic, partition) DO UPDATE SET offset_at = excluded.offset_at,"
            " event = excluded.event, error = excluded.error",
            consumer,
            record.topic,
            record.partition,
            record.offset,
            id.decode() if _EVENT.fullmatch(id) else "?",
            type(error).__name__,
        )

    async def resumed(self, consumer: str, partition: TopicPartition) -> None:
        await self._log.pool.execute(
            "DELETE FROM stopped WHERE consumer = $1 AND topic = $2 AND partition = $3",
            consumer,
            partition.topic,
            partition.partition,
        )

    async def problems(self) -> Sequence[str]:
        """One line for each hole and each stopped partition."""
        return await problems_in(self._log.pool)


async def problems_in(database: Any) -> Sequence[str]:
    """The same of a log that is asked from outside: `database` is a connection to it, or a pool of them."""
    holes = await database.fetch("SELECT projection, source, expected, got FROM holes ORDER BY 1, 2 LIMIT 100")
    stopped = await database.fetch(
        "SELECT consumer, topic, partition, offset_at, event, error FROM stopped ORDER BY 1, 2, 3"
    )
    return [
        *(f"{h['projection']}: {h['source']} expects version {h['expected']}, got {h['got']}" for h in holes),
        *(
            f"{s['consumer']}: {s['topic']}/{s['partition']} stopped at {s['offset_at']}, {s['event']}: {s['error']}"
            for s in stopped
        ),
    ]
