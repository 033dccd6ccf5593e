"""What cannot be applied is set aside: the message and, behind it, the rest of its aggregate, for one consumer group.

Set aside durably before the offset is committed, so that nothing is lost, and replayed by the consumer that owns the
partition, so that nothing overtakes (ADR 0019). An operator only marks rows: `replay_wanted`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition

from shared.kernel import Unavailable
from shared.runtime.bus.listening import Unreadable, header
from shared.runtime.bus.wire import Record
from shared.runtime.json import dumps, loads
from shared.runtime.log import Log
from shared.runtime.telemetry.logs import told

BEHIND = "Behind"
"""the error of a message that waits for the one before it"""

_EVENT = re.compile(r"[0-9a-fA-F-]{36}\.\d{1,9}")
_TYPE = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}\.v\d{1,3}")
_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Aside:
    """A message to set aside. `source`: the aggregate that it keeps waiting; None: it names none that is believed.

    `waits`: nothing is wrong with it; it is tried again by itself, with growing pauses.
    """

    record: Record
    source: UUID | None
    error: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What of one source is set aside in a partition; `wanted`: it is to be tried again now; `waits`: by itself."""

    partition: TopicPartition
    source: UUID | None
    messages: int
    wanted: bool
    waits: bool = False


class Parking(Protocol):
    """Where messages are set aside. Raises `Unavailable` where it cannot be reached."""

    async def standing(self, consumer: str) -> Sequence[Standing]:
        """All that is set aside for this consumer group."""

    async def park(self, consumer: str, messages: Sequence[Aside]) -> None:
        """Durable when this returns. A message that is there already stays as it is."""

    async def replaying(self, consumer: str, one: Standing, *, limit: int) -> Sequence[Record]:
        """The first messages of a source, in order; all of them count as wanted from now on."""

    async def release(self, consumer: str, records: Sequence[Record]) -> None:
        """They are applied."""

    async def refused(self, consumer: str, one: Standing, messages: Sequence[Aside]) -> None:
        """They failed again, with these errors: the source stays, and none of it is wanted any more."""


class ParkedMessages:
    """The table `parked`, in the service's own database."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def standing(self, consumer: str) -> Sequence[Standing]:
        with _answering():
            rows = await self._log.pool.fetch(
                "SELECT topic, partition, source, count(*) AS messages, bool_or(again_at IS NOT NULL) AS waits,"
                " bool_or(replay_wanted OR coalesce(again_at <= clock_timestamp(), false)) AS wanted"
                " FROM parked WHERE consumer = $1 GROUP BY topic, partition, source",
                consumer,
            )
        return [
            Standing(
                partition=TopicPartition(row["topic"], row["partition"]),
                source=row["source"],
                messages=row["messages"],
                wanted=row["wanted"],
                waits=row["waits"],
            )
            for row in rows
        ]

    async def park(self, consumer: str, messages: Sequence[Aside]) -> None:
        with _answering():
            await self._log.pool.executemany(
                # A place that holds another message is of a topic that was lost and published again.
                "INSERT INTO parked (consumer, topic, partition, offset_at, source, sequence, event, type, error, key,"
                " value, headers, again_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
                " CASE WHEN $13 THEN clock_timestamp() + interval '0.5 s' END)"
                " ON CONFLICT (consumer, topic, partition, offset_at) DO UPDATE SET source = excluded.source,"
                " sequence = excluded.sequence, event = excluded.event, type = excluded.type, error = excluded.error,"
                " key = excluded.key, value = excluded.value, headers = excluded.headers, parked_at = now(),"
                " again_at = excluded.again_at, told = false, replay_wanted = false"
                " WHERE parked.event <> excluded.event OR parked.value IS DISTINCT FROM excluded.value",
                [(consumer, *_row(one)) for one in messages],
            )

    async def replaying(self, consumer: str, one: Standing, *, limit: int) -> Sequence[Record]:
        with _answering():
            await self._log.pool.execute(
                "UPDATE parked SET replay_wanted = true"
                " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND source = $4 AND NOT replay_wanted",
                consumer,
                *_key(one),
            )
            rows = await self._log.pool.fetch(
                "SELECT * FROM parked WHERE consumer = $1 AND topic = $2 AND partition = $3"
                " AND source IS NOT DISTINCT FROM $4 AND replay_wanted ORDER BY offset_at LIMIT $5",
                consumer,
                *_key(one),
                limit,
            )
        return [record_of(row) for row in rows]

    async def release(self, consumer: str, records: Sequence[Record]) -> None:
        with _answering():
            await self._log.pool.executemany(
                "DELETE FROM parked WHERE consumer = $1 AND topic = $2 AND partition = $3 AND offset_at = $4",
                [(consumer, one.topic, one.partition, one.offset) for one in records],
            )

    async def refused(self, consumer: str, one: Standing, messages: Sequence[Aside]) -> None:
        with _answering():
            async with self._log.pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "UPDATE parked SET replay_wanted = false"
                    " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND source = $4",
                    consumer,
                    *_key(one),
                )
                await connection.executemany(
                    "UPDATE parked SET replay_wanted = false, error = $5, told = told AND error = $5, again_at ="
                    " CASE WHEN $6 THEN clock_timestamp() + least('5 s', (clock_timestamp() - parked_at) / 2) END"
                    " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND offset_at = $4",
                    [(consumer, *_place(failed.record), failed.error, failed.waits) for failed in messages],
                )


def why(error: BaseException) -> str:
    """An error's class and the last places of our code that it passed; never its message, which may hold anything."""
    if isinstance(error, Unreadable):
        return f"Unreadable ({error.why})"
    said = told(error)
    return " | ".join([said["error"], *said["frames"][-_FRAMES:]])


def _row(one: Aside) -> tuple[Any, ...]:
    record = one.record
    event, type = _known(record, "ce_id", _EVENT), _known(record, "ce_type", _TYPE)
    sequence = int(event.rsplit(".", 1)[1]) if event != "?" else None
    headers = dumps([[name, None if value is None else value.hex()] for name, value in record.headers])
    return (*_place(record), one.source, sequence, event, type, one.error, record.key, record.value, headers, one.waits)


def _known(record: Record, name: str, form: re.Pattern[str]) -> str:
    """A header of ours where it is one: what somebody else put there may be anything."""
    text = (header(record, name) or b"").decode("ascii", "replace")
    return text if form.fullmatch(text) else "?"


def record_of(row: Any) -> Record:
    """The message that a row of the table holds."""
    headers = tuple((name, None if value is None else bytes.fromhex(value)) for name, value in loads(row["headers"]))
    key, value = row["key"], row["value"]
    return ConsumerRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset_at"],
        timestamp=int(row["parked_at"].timestamp() * 1000),
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=headers,
    )


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _key(one: Standing) -> tuple[str, int, UUID | None]:
    return one.partition.topic, one.partition.partition, one.source


@contextmanager
def _answering() -> Iterator[None]:
    """A database that cannot take it now is waited for: nothing is skipped because of it."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable("What is set aside cannot be read or written right now.") from error
