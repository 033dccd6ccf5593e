"""What is set aside for consumer groups: to be listed, looked at without a payload, and asked for again.

Whoever owns the partition takes it up, in order: here rows are only marked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Envelope, from_headers
from shared.runtime.bus.parking import record_of
from shared.runtime.operating.operated import Unknown

_PLACE = re.compile(r"(?P<topic>[\w.~-]+)/(?P<partition>\d{1,9})/(?P<offset>\d{1,18})")
_MOST = 1_000

_GROUPED = """
    SELECT *, row_number() OVER every AS turn, count(*) OVER every AS messages,
        bool_or(again_at IS NOT NULL) OVER every AS waits, bool_or(NOT told) OVER every AS untold,
        bool_or(replay_wanted) OVER every AS wanted, extract(epoch FROM clock_timestamp() - parked_at)::float8 AS age
    FROM (SELECT *, CASE WHEN source IS NULL THEN offset_at END AS alone FROM parked) AS each
    WINDOW every AS (PARTITION BY consumer, topic, partition, source, alone ORDER BY offset_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What is set aside of one aggregate for one group, by its first message; `source` None: that names no aggregate.

    `error`: an error's class, and the places in our code that it passed. `waits`: it is tried again by itself.
    `age`: seconds. `untold`: some of it is not on the dead-letter topic yet. `wanted`: it was asked for again.
    """

    consumer: str
    topic: str
    partition: int
    offset: int
    source: UUID | None
    event: str
    type: str
    error: str
    messages: int
    age: float
    waits: bool
    untold: bool
    wanted: bool

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def named(self) -> str:
        """What the commands know it by."""
        return str(self.source) if self.source else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, without its payload. `envelope` None: it has none that can be believed."""

    consumer: str
    place: str
    event: str
    type: str
    error: str
    age: float
    size: int
    envelope: Envelope | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which: an aggregate, an event, or a place (`topic/partition/offset`); of this group. None: of any, all."""

    which: str | None = None
    consumer: str | None = None

    @property
    def condition(self) -> tuple[str, Sequence[Any]]:
        """SQL over `parked`. Raises `Unknown` for what is none of these."""
        of_group = "($1::text IS NULL OR consumer = $1)"
        if self.which is None:
            return of_group, [self.consumer]
        if place := _PLACE.fullmatch(self.which):
            values = [self.consumer, place["topic"], int(place["partition"]), int(place["offset"])]
            return f"{of_group} AND topic = $2 AND partition = $3 AND offset_at = $4", values
        return f"{of_group} AND source = $2", [self.consumer, _aggregate(self.which)]


def _aggregate(which: str) -> UUID:
    """An event stands for its aggregate: nothing of it can go on before the event does."""
    try:
        return UUID(which.split(".", 1)[0])
    except ValueError:
        raise Unknown(f"{which} is no aggregate, event or topic/partition/offset.") from None


async def listed(database: Any, wanted: Wanted, *, limit: int = _MOST) -> Sequence[Aside]:
    """The oldest first."""
    condition, values = wanted.condition
    rows = await database.fetch(
        f"SELECT * FROM ({_GROUPED}) AS all_of_it WHERE turn = 1 AND {condition}"  # noqa: S608
        f" ORDER BY parked_at, consumer, topic, partition, offset_at LIMIT {limit:d}",
        *values,
    )
    return [
        Aside(offset=row["offset_at"], **{name: row[name] for name in Aside.__slots__ if name != "offset"})
        for row in rows
    ]


async def messages(database: Any, wanted: Wanted, *, limit: int = _MOST) -> Sequence[Message]:
    """In their order."""
    condition, values = wanted.condition
    rows = await database.fetch(
        "SELECT *, extract(epoch FROM clock_timestamp() - parked_at)::float8 AS age FROM parked"  # noqa: S608
        f" WHERE {condition} ORDER BY consumer, topic, partition, offset_at LIMIT {limit:d}",
        *values,
    )
    return [_message(row) for row in rows]


async def asked_again(database: Any, wanted: Wanted) -> int:
    """Marks them, with all that is behind them; returns how many."""
    condition, values = wanted.condition
    done: str = await database.execute(f"UPDATE parked SET replay_wanted = true WHERE {condition}", *values)  # noqa: S608
    return int(done.split()[-1])


async def still_asked(database: Any, wanted: Wanted) -> tuple[int, int]:
    """How many are still to be taken up, and how many there are."""
    condition, values = wanted.condition
    row = await database.fetchrow(
        f"SELECT count(*) FILTER (WHERE replay_wanted), count(*) FROM parked WHERE {condition}",  # noqa: S608
        *values,
    )
    return row[0], row[1]


def _message(row: Any) -> Message:
    return Message(
        consumer=row["consumer"],
        place=f"{row['topic']}/{row['partition']}/{row['offset_at']}",
        event=row["event"],
        type=row["type"],
        error=row["error"],
        age=row["age"],
        size=len(row["value"] or b""),
        envelope=_envelope(row),
    )


def _envelope(row: Any) -> Envelope | None:
    """Only a whole one is shown: what somebody else wrote into a header may be anything."""
    record = record_of(row)
    if row["event"] == "?" or row["type"] == "?":
        return None
    try:
        return from_headers(record.headers, key=record.key)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
