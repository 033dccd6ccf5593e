"""What a service's database says of itself: the log, the relay, timers, and what stands until it is mended.

A database made by an earlier release may lack a table or a column: what it cannot say is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.runtime.rebuild.record import Entry, entries

_AGE = "extract(epoch FROM clock_timestamp() - {})::float8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """The relay: `behind` events are not published yet, the oldest for `age` seconds; who is active (None: nobody), and
    how long ago it gave a sign.
    """

    position: int
    behind: int
    age: float
    holder: str | None
    renewed_ago: float | None
    rewind_to: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Of one consumer group: messages set aside, of how many aggregates, since when (seconds), not on the dead-letter
    topic yet, and to be tried again.
    """

    consumer: str
    messages: int
    sources: int
    age: float
    untold: int
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Holes of one projection, and the age of the oldest in seconds."""

    projection: str
    holes: int
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`newest`: seconds since the last event; None: there is none."""

    server: str
    epoch: int
    head: int
    newest: float | None
    relay: Relayed
    parked: Sequence[Parked]
    missing: Sequence[Missing]
    overdue: int
    overdue_for: float
    rebuilds: Sequence[Entry]


async def ledger(database: Any) -> Ledger:
    """`database`: a connection, or a pool of them. Raises what PostgreSQL raises."""
    columns = await _columns(database)
    newest = _AGE.format("recorded_at")
    head = await database.fetchrow(f"SELECT position, {newest} AS age FROM events ORDER BY position DESC LIMIT 1")  # noqa: S608
    timers = await database.fetchrow(
        f"SELECT count(*) AS overdue, coalesce(max({_AGE.format('due_at')}), 0) AS age FROM timers"  # noqa: S608
        " WHERE due_at < clock_timestamp()"
    )
    return Ledger(
        server=await database.fetchval("SHOW server_version"),
        epoch=await database.fetchval("SELECT epoch FROM log"),
        head=head["position"] if head else 0,
        newest=head["age"] if head else None,
        relay=await _relay(database, columns.get("relay", ())),
        parked=await _parked(database, columns["parked"]) if "parked" in columns else (),
        missing=await _missing(database) if "holes" in columns else (),
        overdue=timers["overdue"],
        overdue_for=timers["age"],
        rebuilds=await entries(database),
    )


async def _columns(database: Any) -> Mapping[str, Sequence[str]]:
    rows = await database.fetch(
        "SELECT table_name, array_agg(column_name::text) AS columns FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name IN ('relay', 'parked', 'holes') GROUP BY 1"
    )
    return {row["table_name"]: row["columns"] for row in rows}


async def _relay(database: Any, columns: Sequence[str]) -> Relayed:
    """The oldest event that is not published is the one after the relay's position."""
    lease = "holder::text, " + _AGE.format("renewed_at") if "holder" in columns else "NULL, NULL"
    rewind = "rewind_to" if "rewind_to" in columns else "NULL"
    row = await database.fetchrow(
        f"SELECT position, {lease}, {rewind}, (SELECT coalesce(max(position), 0) FROM events),"  # noqa: S608
        f" (SELECT {_AGE.format('recorded_at')} FROM events WHERE events.position > relay.position"
        " ORDER BY events.position LIMIT 1) FROM relay"
    )
    position, holder, renewed, rewind_to, head, age = row or (0, None, None, None, 0, None)
    return Relayed(
        position=position,
        behind=max(0, head - position),
        age=age or 0.0,
        holder=holder,
        renewed_ago=renewed,
        rewind_to=rewind_to,
    )


async def _parked(database: Any, columns: Sequence[str]) -> Sequence[Parked]:
    """What is only waited for, and tried again by itself, is no trouble and not among them."""
    waits = "bool_or(again_at IS NOT NULL) OVER (PARTITION BY consumer, topic, partition, source)"
    rows = await database.fetch(
        f"SELECT consumer, count(*) AS messages, count(DISTINCT source) AS sources,"  # noqa: S608
        f" max({_AGE.format('parked_at')}) AS age, count(*) FILTER (WHERE NOT told) AS untold,"
        " count(*) FILTER (WHERE replay_wanted) AS wanted"
        f" FROM (SELECT *, {waits if 'again_at' in columns else 'false'} AS waits FROM parked) AS each"
        " WHERE NOT waits GROUP BY 1 ORDER BY 1"
    )
    return [Parked(**dict(row)) for row in rows]


async def _missing(database: Any) -> Sequence[Missing]:
    rows = await database.fetch(
        f"SELECT projection, count(*) AS holes, max({_AGE.format('noticed_at')}) AS age FROM holes GROUP BY 1 ORDER BY 1"  # noqa: S608, E501
    )
    return [Missing(**dict(row)) for row in rows]
