"""The log: reads streams and the whole, runs commands against it, and answers each command id once.

Everything that changes goes through `run`: locks, load, ask, append; again where another process came first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shared.kernel import Actor, Aggregate, CarelogError, Invalid, NotFound, Refused, Unavailable
from shared.runtime.json import dumps, loads
from shared.runtime.locks import KeyedLocks
from shared.runtime.log.committer import Committer, Conflict, Duplicate, Overloaded
from shared.runtime.log.extracts import AFTER, PAGE_BYTES
from shared.runtime.log.mapper import EventMapper
from shared.runtime.log.rows import EVENT_COLUMNS, Append, Birth, Stored
from shared.runtime.log.schema import prepare
from shared.runtime.log.sessions import AWAY, Limits, Sessions
from shared.runtime.log.snapshots import Loaded, Snapshots
from shared.runtime.log.unit import Unit, replay
from shared.runtime.mandate import Done, Mandate
from shared.runtime.nearness import Nearness

_COLUMNS = ", ".join(("position", "recorded_at", *(name for name, _ in EVENT_COLUMNS)))
_ATTEMPTS = 30

Decide = Callable[[Unit], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An aggregate read from the log: what it is, whose it is, and the events that made it."""

    aggregate: Any
    birth: Birth
    events: Sequence[Stored]


class KeyReused(Invalid):
    """This Idempotency-Key was used before, for another request."""


class KeptRefusal(Refused):
    """The refusal that this command was answered with the first time."""

    def __init__(self, *, code: str, detail: str) -> None:
        super().__init__(detail)
        self._code = code

    @property
    def code(self) -> str:
        return self._code


class Log:
    """One service's log in its database. `nearness` tells the policy what stands between a caller and a patient."""

    def __init__(
        self,
        *,
        dsn: str,
        nearness: Nearness,
        queue: int = 2_000,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.nearness = nearness
        self.mapper = EventMapper()
        self.epoch = 1
        self._sessions = Sessions(dsn, limits)
        self._queue = queue
        self._running = 0
        self.committer = Committer(connect=self.connect, queue=queue, limits=limits)
        self._pool: asyncpg.Pool | None = None
        self._locks = KeyedLocks()
        self._snapshots: Snapshots | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        async with self._sessions.unlimited() as connection:
            await prepare(connection)
            self.epoch = await connection.fetchval("SELECT epoch FROM log")
        self._pool = await self._sessions.open_pool()
        self._snapshots = Snapshots(fetch=self.fetch, mapper=self.mapper)
        self._keeping = asyncio.create_task(self._snapshots.run(), name="snapshots")
        await self.committer.start()

    async def stop(self) -> None:
        await self.committer.stop()
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._pool:
            await self._pool.close()

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, for who must keep one (the committer, the relay)."""
        return await self._sessions.connect()

    @property
    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            raise Unavailable("The service is starting or stopping.")
        return self._pool

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """What the database answers. Raises `Unavailable` where it does not, or all connections are in use for long."""
        try:
            async with self.pool.acquire(timeout=self._sessions.limits.acquire) as connection:
                return list(await connection.fetch(sql, *arguments))
        except AWAY as error:
            raise Unavailable("The log cannot be read right now: try again in a moment.") from error

    async def stream(self, aggregate: UUID, *, up_to: int | None = None) -> Sequence[Stored]:
        """An aggregate's events, oldest first."""
        rows = await self.fetch(
            f"SELECT {_COLUMNS} FROM events WHERE aggregate = $1 AND version <= $2 ORDER BY version",
            aggregate,
            2**31 - 1 if up_to is None else up_to,
        )
        return [Stored(**row) for row in rows]

    async def streams(self, aggregates: Iterable[UUID]) -> dict[UUID, list[Stored]]:
        """The events of several aggregates in one read; those that do not exist are left out."""
        found: dict[UUID, list[Stored]] = {}
        if not (wanted := list(aggregates)):
            return found
        rows = await self.fetch(
            f"SELECT {_COLUMNS} FROM events WHERE aggregate = ANY($1::uuid[]) ORDER BY aggregate, version", wanted
        )
        for row in rows:
            found.setdefault(row["aggregate"], []).append(Stored(**row))
        return found

    async def load(self, kind: type[Aggregate], aggregates: Iterable[UUID]) -> dict[UUID, Loaded]:
        """Several aggregates in one read, from their snapshots where they are long; those that do not exist are left
        out. Some may turn out to be of another kind.
        """
        if not (wanted := list(aggregates)):
            return {}
        if self._snapshots and (found := await self._snapshots.load(kind, wanted)) is not None:
            return found
        streams = await self.streams(wanted)
        return {
            id: Loaded(replay(self.mapper, stream), stream[0].birth, stream[-1].id, stream[-1].correlation)
            for id, stream in streams.items()
        }

    async def newest(self, aggregates: Iterable[UUID]) -> dict[UUID, Stored]:
        """The last event of each; those that do not exist are left out."""
        rows = await self.fetch(
            f"SELECT DISTINCT ON (aggregate) {_COLUMNS} FROM events WHERE aggregate = ANY($1::uuid[])"
            " ORDER BY aggregate, version DESC",
            list(aggregates),
        )
        return {row["aggregate"]: Stored(**row) for row in rows}

    async def births(self, aggregates: Iterable[UUID]) -> dict[UUID, Stored]:
        """The first event of each; those that do not exist are left out."""
        if not (wanted := list(aggregates)):
            return {}
        rows = await self.fetch(
            f"SELECT {_COLUMNS} FROM events WHERE aggregate = ANY($1::uuid[]) AND version = 1", wanted
        )
        return {row["aggregate"]: Stored(**row) for row in rows}

    async def view(self, aggregate: UUID, *, actor: Actor, action: str) -> View:
        """An aggregate as it is in the log, for a read that must be true at once. Raises as the policy decides."""
        stream = await self.stream(aggregate)
        if not stream:
            raise NotFound
        unit = Unit(log=self, mandate=Mandate(actor=actor, action=action), target=None)
        found = replay(self.mapper, stream)
        await unit.judge(found, stream[0].birth)
        return View(aggregate=found, birth=stream[0].birth, events=stream)

    def event(self, stored: Stored) -> Any:
        """The event itself, from its bytes."""
        return self.mapper.event(stored.aggregate, stored.version, stored.name, stored.state)

    async def after(self, position: int, *, limit: int) -> Sequence[Stored]:
        """The log in the order of commit, from the event after this position: `PAGE_BYTES` and one event at most."""
        return [Stored(**row) for row in await self.fetch(AFTER, position, limit, PAGE_BYTES)]

    async def head(self) -> int:
        """The highest position; 0 for an empty log."""
        rows = await self.fetch("SELECT coalesce(max(position), 0) AS head FROM events")
        return int(rows[0]["head"])

    async def run(
        self,
        mandate: Mandate,
        decide: Decide,
        *,
        target: UUID | None = None,
        also: Iterable[UUID] = (),
    ) -> Done:
        """Runs one command: holds its aggregates, asks `decide`, and appends all that changed, or nothing.

        - `target`: the aggregate whose version `If-Match` speaks of; `also`: others that the command will change. They
          are held in this process while it runs; between processes the append decides, and the loser asks again.
        - `decide` loads, asks and adds through its `Unit`, and returns what the caller is told (plain JSON or None).

        Raises what the aggregates refuse; `Stale` for `If-Match`; `Unavailable`, `Overloaded` before anything is done
        where possible; `KeyReused`.
        """
        with self._place():
            return await self._run(mandate, decide, target, also)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Who waits for an aggregate's lock is in the queue, too: a flood becomes a refusal, not a pile."""
        if self._running >= self._queue:
            self.committer.overloads += 1
            raise Overloaded
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _run(self, mandate: Mandate, decide: Decide, target: UUID | None, also: Iterable[UUID]) -> Done:
        """The same command again waits here for the first one's answer."""
        if not mandate.keyed:
            return await self._holding(mandate, decide, target, also)
        async with self._locks.hold(("command", mandate.command)):
            return await self._kept(mandate) or await self._holding(mandate, decide, target, also)

    async def _holding(self, mandate: Mandate, decide: Decide, target: UUID | None, also: Iterable[UUID]) -> Done:
        """Several locks are taken in order of id. Most commands take one."""
        held = sorted({*also, *([target] if target else ())})
        if len(held) == 1:
            async with self._locks.hold(held[0]):
                return await self._attempt(mandate, decide, target)
        async with AsyncExitStack() as stack:
            for id in held:
                await stack.enter_async_context(self._locks.hold(id))
            return await self._attempt(mandate, decide, target)

    async def _attempt(self, mandate: Mandate, decide: Decide, target: UUID | None) -> Done:
        for attempt in range(_ATTEMPTS):
            unit = Unit(log=self, mandate=mandate, target=target)
            try:
                answer = await decide(unit)
                return await self._save(unit, answer)
            except Unavailable:
                raise
            except CarelogError as no:
                if mandate.keyed and (kept := await self._said_before(mandate, no)):
                    return kept
                raise
            except Conflict:
                await asyncio.sleep(0.001 * attempt)
        raise Unavailable("Too many others are changing this at the same time: try again.")

    async def _said_before(self, mandate: Mandate, no: CarelogError) -> Done | None:
        """The answer of another process, where it was faster with this very command: what it did is why ours was a no.

        None: it is ours to say no, and a refusal is kept.
        """
        if kept := await self._kept(mandate):
            return kept
        return await self._refuse(mandate, no) if isinstance(no, Refused) else None

    async def _save(self, unit: Unit, answer: Any) -> Done:
        done = Done(changed=unit.changed, answer=answer)
        append = await unit.append(done)
        if append is None:
            return done
        result = await self.committer.append(append)
        if isinstance(result, Duplicate) and unit.mandate.keyed:
            return self._repeat(unit.mandate, result)
        # An id that nobody else can have used and that is known: our own commit, whose reply was lost.
        unit.saved()
        return done

    async def _kept(self, mandate: Mandate) -> Done | None:
        rows = await self.fetch("SELECT fingerprint, outcome, answer FROM commands WHERE command = $1", mandate.command)
        return self._repeat(mandate, Duplicate(**rows[0])) if rows else None

    def _repeat(self, mandate: Mandate, kept: Duplicate) -> Done:
        """The first answer again. Raises the first refusal again, and `KeyReused` for another request."""
        if mandate.fingerprint and kept.fingerprint and mandate.fingerprint != kept.fingerprint:
            raise KeyReused
        if kept.outcome == "refused":
            raise KeptRefusal(**loads(kept.answer or b"{}"))
        return Done.unpack(kept.answer) if kept.answer else Done(repeated=True)

    async def refuse(self, mandate: Mandate, refusal: CarelogError) -> Done | None:
        """Keeps a refusal as the answer to its command id for good: said again, it is refused again.

        Returns the first answer where the command has been carried out already, else None.
        """
        with self._place():
            return await self._refuse(mandate, refusal)

    async def _refuse(self, mandate: Mandate, refusal: CarelogError) -> Done | None:
        answer = dumps({"code": refusal.code, "detail": refusal.detail})
        why = await Unit(log=self, mandate=mandate, target=None).why()
        result = await self.committer.append(
            Append(why=why, events=(), fingerprint=mandate.fingerprint, outcome="refused", answer=answer)
        )
        if isinstance(result, Duplicate) and result.outcome == "done":
            return self._repeat(mandate, result)
        return None
