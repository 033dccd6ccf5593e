"""The record of rebuilds, in the service's own database: which generation, since when, by whom, how far, what came.

An unfinished one is held by a heartbeat: a second operator is told that somebody is at it, and who comes after a
`kill -9` goes on with the same generation. Rows are kept as history, and say which generations are still there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self
from uuid import uuid4

import asyncpg

State = Literal["first", "preparing", "filling", "comparing", "switched", "different", "behind", "given up"]
LEASE = 10.0
"""seconds without a sign of life after which another one may go on with it"""

TABLE = """
CREATE TABLE IF NOT EXISTS rebuilds (
    projection text NOT NULL,
    generation integer NOT NULL,
    state text NOT NULL,
    replaces integer,
    code text NOT NULL DEFAULT '',
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_by text NOT NULL DEFAULT '',
    holder uuid,
    held_by text NOT NULL DEFAULT '',
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied bigint NOT NULL DEFAULT 0,
    there bigint NOT NULL DEFAULT 0,
    rate double precision NOT NULL DEFAULT 0,
    equal_documents bigint,
    different_documents bigint,
    behind_documents bigint,
    switched_at timestamptz,
    left_at timestamptz,
    ended_at timestamptz,
    dropped_at timestamptz,
    PRIMARY KEY (projection, generation)
);
CREATE UNIQUE INDEX IF NOT EXISTS rebuilds_one_at_a_time ON rebuilds (projection) WHERE ended_at IS NULL;
"""

_ALONE = "SELECT pg_advisory_xact_lock(4772213)"  # IF NOT EXISTS fails when two are at it
_COLUMNS = (
    "projection, generation, state, replaces, code, begun_at, begun_by, held_by, applied, there, rate,"
    " equal_documents, different_documents, behind_documents, switched_at, left_at, ended_at, dropped_at,"
    " extract(epoch FROM clock_timestamp() - renewed_at)::float8 AS silent_for,"
    " extract(epoch FROM clock_timestamp() - begun_at)::float8 AS age"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One generation of a projection, and the rebuild that made it. Times and ages are the database's."""

    projection: str
    generation: int
    state: State
    replaces: int | None
    code: str
    begun_at: datetime
    begun_by: str
    held_by: str
    applied: int
    there: int
    rate: float
    equal_documents: int | None
    different_documents: int | None
    behind_documents: int | None
    switched_at: datetime | None
    left_at: datetime | None
    ended_at: datetime | None
    dropped_at: datetime | None
    silent_for: float
    age: float

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(**dict(row))

    @property
    def is_under_way(self) -> bool:
        """Somebody is at it, as far as signs of life tell."""
        return self.ended_at is None and self.silent_for < LEASE

    @property
    def was_broken_off(self) -> bool:
        return self.ended_at is None and self.silent_for >= LEASE


async def entries(database: Any, *, projection: str | None = None) -> Sequence[Entry]:
    """All on record, the newest generation of each projection first; none where nothing was ever rebuilt."""
    if await database.fetchval("SELECT to_regclass('rebuilds')") is None:
        return []
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM rebuilds WHERE $1::text IS NULL OR projection = $1"  # noqa: S608
        " ORDER BY projection, generation DESC",
        projection,
    )
    return [Entry.of(row) for row in rows]


class Taken(Exception):
    """Somebody is rebuilding this projection."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.held_by)
        self.entry = entry


class Deposed(Exception):
    """Another one has taken this rebuild over: it was held by nobody alive for too long."""


class Record:
    """The record, as one operator's process writes it. `who`: for people to read."""

    def __init__(self, database: "asyncpg.Pool[Any]", *, who: str) -> None:
        self._database = database
        self._who = who
        self._holder = uuid4()

    async def prepare(self) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(f"{_ALONE};{TABLE}")  # one message is one transaction

    async def of(self, projection: str) -> Sequence[Entry]:
        return await entries(self._database, projection=projection)

    async def take(self, projection: str, *, live: int, code: str) -> Entry:
        """The rebuild that was broken off, or a new one of the next generation. Raises `Taken`."""
        await self._database.execute(
            "INSERT INTO rebuilds (projection, generation, state, ended_at) VALUES ($1, $2, 'first', clock_timestamp())"
            " ON CONFLICT DO NOTHING",
            projection,
            live,
        )
        await self._database.execute(
            "INSERT INTO rebuilds (projection, generation, state, replaces, code, begun_by, held_by, holder)"
            " SELECT $1, max(generation) + 1, 'preparing', $2, $3, $4, $4, $5 FROM rebuilds WHERE projection = $1"
            " ON CONFLICT DO NOTHING",
            projection,
            live,
            code,
            self._who,
            self._holder,
        )
        return await self._held(projection)

    async def _held(self, projection: str) -> Entry:
        row = await self._database.fetchrow(
            "UPDATE rebuilds SET holder = $2, held_by = $3, renewed_at = clock_timestamp()"  # noqa: S608
            " WHERE projection = $1 AND ended_at IS NULL"
            " AND (holder IS NULL OR holder = $2 OR renewed_at < clock_timestamp() - make_interval(secs => $4))"
            f" RETURNING {_COLUMNS}",
            projection,
            self._holder,
            self._who,
            LEASE,
        )
        if row is not None:
            return Entry.of(row)
        unfinished = [entry for entry in await self.of(projection) if entry.ended_at is None]
        if not unfinished:
            return await self._held(projection)  # it ended between the two questions
        raise Taken(unfinished[0])

    async def renew(self, entry: Entry, *, applied: int, there: int, rate: float) -> None:
        """A sign of life, and how far it is. Raises `Deposed`."""
        sets = "applied = $4, there = $5, rate = $6, renewed_at = clock_timestamp()"
        await self._mine(entry, sets, applied, there, rate)

    async def enter(self, entry: Entry, state: State) -> None:
        await self._mine(entry, "state = $4, renewed_at = clock_timestamp()", state)

    async def compared(self, entry: Entry, *, equal: int, different: int, behind: int) -> None:
        sets = "equal_documents = $4, different_documents = $5, behind_documents = $6, renewed_at = clock_timestamp()"
        await self._mine(entry, sets, equal, different, behind)

    async def release(self, entry: Entry) -> None:
        """Whoever comes next may go on with it at once."""
        await self._mine(entry, "holder = NULL")

    async def end(self, entry: Entry, state: State) -> None:
        await self._mine(entry, "state = $4, ended_at = clock_timestamp(), holder = NULL", state)

    async def switched(self, entry: Entry) -> None:
        """The alias stands for this generation: the other one was left a moment ago."""
        await self.left(entry.projection, entry.replaces)
        await self._mine(entry, "state = 'switched', switched_at = clock_timestamp(), left_at = NULL")

    async def left(self, projection: str, generation: int | None) -> None:
        """Readers have been told to leave it; it is still there for those who have not heard it yet."""
        await self._database.execute(
            "UPDATE rebuilds SET left_at = clock_timestamp() WHERE projection = $1 AND generation = $2",
            projection,
            generation,
        )

    async def rolled_back(self, projection: str, *, live: int, to: int) -> None:
        """Readers are back at a generation that had been left. A rebuild that ended in between has its end here."""
        await self._database.execute(
            "INSERT INTO rebuilds (projection, generation, state, ended_at) VALUES ($1, $2, 'first', clock_timestamp())"
            " ON CONFLICT (projection, generation) DO UPDATE SET holder = NULL, state = 'switched',"
            " ended_at = coalesce(rebuilds.ended_at, clock_timestamp())",
            projection,
            live,
        )
        await self.left(projection, live)
        await self._database.execute(
            "UPDATE rebuilds SET left_at = NULL, switched_at = clock_timestamp()"
            " WHERE projection = $1 AND generation = $2",
            projection,
            to,
        )

    async def dropped(self, projection: str, generation: int) -> None:
        await self._database.execute(
            "UPDATE rebuilds SET dropped_at = clock_timestamp() WHERE projection = $1 AND generation = $2",
            projection,
            generation,
        )

    async def droppable(self, projection: str, *, keep: Sequence[int], after: float) -> Sequence[int]:
        """Generations whose rebuild has ended, that are not among `keep`, and that nobody can be reading: they never
        were live, or were left `after` seconds ago or more.
        """
        rows = await self._database.fetch(
            "SELECT generation FROM rebuilds WHERE projection = $1 AND generation <> ALL($2::int[])"
            " AND dropped_at IS NULL AND ended_at IS NOT NULL"
            " AND (switched_at IS NULL AND state <> 'first'"
            " OR left_at < clock_timestamp() - make_interval(secs => $3)) ORDER BY generation",
            projection,
            list(keep),
            after,
        )
        return [row["generation"] for row in rows]

    async def _mine(self, entry: Entry, sets: str, *values: Any) -> None:
        found = await self._database.execute(
            f"UPDATE rebuilds SET {sets} WHERE projection = $1 AND generation = $2 AND holder = $3",  # noqa: S608
            entry.projection,
            entry.generation,
            self._holder,
            *values,
        )
        if found == "UPDATE 0":
            raise Deposed
