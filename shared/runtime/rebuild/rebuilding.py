"""The whole way of a rebuild, step by step on record, so that it can be broken off anywhere and gone on with."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from shared.runtime.documents.port import Documents as Store
from shared.runtime.generations import Generations
from shared.runtime.projection import Projection
from shared.runtime.rebuild.code import code_of
from shared.runtime.rebuild.comparing import Comparing, Comparison, Mend
from shared.runtime.rebuild.filling import Filling
from shared.runtime.rebuild.record import Deposed, Entry, Record, State, Taken
from shared.runtime.workers import background, end

_BEAT = 1.0
_KEPT_AT_LEAST = 300.0
"""seconds that a generation stays after it was left: readers may have the alias in their hands for one of them"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rebuild is. `applied` of `there` messages are in; `rate` is that of the last seconds."""

    generation: int
    state: State
    applied: int = 0
    there: int = 0
    rate: float = 0.0
    compared: int = 0
    waits_for: str = ""
    """what is away just now"""

    @property
    def seconds_left(self) -> float | None:
        return (self.there - self.applied) / self.rate if self.rate > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of it. Where the generations differ, the live one stays, and the new one is kept for a look."""

    generation: int
    replaced: int
    comparison: Comparison = field(default_factory=Comparison)
    switched: bool
    left_to_do: str = ""
    """why the clean-up has to be done by the next one"""


class Way(Protocol):
    """How a generation is filled, and what belongs to it beside its documents."""

    def filling(self, generation: int) -> Filling: ...

    async def sweep(self, generation: int) -> None:
        """Takes away its consumer group and what is on record for that group."""


class NoWayBack(Exception):
    """There is no generation from before that is still kept."""


Judge = Callable[[Comparison], Awaitable[bool]]
"""asked where documents differ: whether to switch nevertheless"""


async def _never(_: Comparison) -> bool:
    return False


class Rebuild:
    """Rebuilds of one projection of a service."""

    def __init__(
        self,
        projection: Projection[Any],
        *,
        store: Store,
        record: Record,
        way: Way,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._projection = projection
        self._store = store
        self._generations = Generations(store)
        self._record = record
        self._way = way
        self._tell = tell

    async def run(self, *, even_if_different: Judge = _never, afresh: bool = False, wait_for: float = 0.0) -> Rebuilt:
        """Fills, compares and switches; goes on where another one was broken off, unless `afresh`, or its code was not
        ours. `wait_for`: seconds to wait whether somebody who has gone silent gives a sign. Raises `Taken`, `Deposed`.

        What the live generation has seen and the new one has not holds the switch back, whatever is said.
        """
        live = await self._generations.live(self._projection)
        entry = await self._taken(live, afresh=afresh, wait_for=wait_for)
        filling = self._way.filling(entry.generation)
        return await self._held(entry, filling, self._finished(entry, filling, live, even_if_different))

    async def roll_back(self, *, at_once: bool = False) -> Rebuilt:
        """Readers are back at the generation before, which is brought level first, unless `at_once`. Raises `Taken`
        where somebody is rebuilding, `NoWayBack`.
        """
        live = await self._generations.live(self._projection)
        known = await self._record.of(self._projection.name)
        if busy := [entry for entry in known if entry.is_under_way]:
            raise Taken(busy[0])
        before = _standby(known, live)
        if before is None:
            raise NoWayBack
        if not at_once:
            await self._brought_level(before)
        await self._generations.switch(self._projection, before)
        await self._record.rolled_back(self._projection.name, live=live, to=before)
        return Rebuilt(generation=before, replaced=live, switched=True)

    async def _brought_level(self, generation: int) -> None:
        """Nobody has filled it since it was left."""
        filling = self._way.filling(generation)
        async with background(filling.run(), f"filling {self._projection.name}"):
            async for _ in filling.until_level():
                self._tell(_progress(generation, filling, "filling"))

    async def _taken(self, live: int, *, afresh: bool, wait_for: float) -> Entry:
        code = code_of(self._projection)
        entry = await self._claim(live, code, wait_for)
        if entry.generation != live and entry.state != "preparing" and (afresh or entry.code != code):
            await self._record.end(entry, "given up")
            return await self._claim(live, code, wait_for)
        return entry

    async def _claim(self, live: int, code: str, wait_for: float) -> Entry:
        """Somebody who was killed is silent until the lease has run out; somebody who is at it gives a sign before."""
        deadline = asyncio.get_running_loop().time() + wait_for
        silent: float | None = None
        while True:
            try:
                return await self._record.take(self._projection.name, live=live, code=code)
            except Taken as taken:
                gave_a_sign = silent is not None and taken.entry.silent_for < silent
                if gave_a_sign or asyncio.get_running_loop().time() >= deadline:
                    raise
                silent = taken.entry.silent_for
            await asyncio.sleep(_BEAT)

    async def _held(self, entry: Entry, filling: Filling, work: Coroutine[Any, Any, Rebuilt]) -> Rebuilt:
        """The work, with a sign of life each second; it ends where another one has taken it over."""
        working = asyncio.create_task(work)
        beating = asyncio.create_task(self._beat(entry, filling))
        try:
            await asyncio.wait((working, beating), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                beating.result()
            return working.result()
        except Deposed:
            raise
        except BaseException:
            with suppress(Deposed, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._record.release(entry)
            raise
        finally:
            await end(working, beating)

    async def _beat(self, entry: Entry, filling: Filling) -> None:
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it may be back for the next one
                await self._record.renew(entry, applied=filling.applied, there=filling.there, rate=filling.rate)
            await asyncio.sleep(_BEAT)

    async def _finished(self, entry: Entry, filling: Filling, live: int, even_if_different: Judge) -> Rebuilt:
        """The way from wherever it was broken off."""
        if entry.state == "preparing":
            await self._prepare(entry)
        comparison = Comparison()
        if entry.generation != live:
            comparison = await self._filled_and_compared(entry, filling, live)
            if comparison.behind or (comparison.different and not await even_if_different(comparison)):
                await self._record.end(entry, "behind" if comparison.behind else "different")
                return Rebuilt(generation=entry.generation, replaced=live, comparison=comparison, switched=False)
            await self._record.enter(entry, "comparing")
            await self._generations.switch(self._projection, entry.generation)
        await self._record.switched(entry)
        left_to_do = await self._clean_up(entry, keep=entry.replaces)
        await self._record.end(entry, "switched")
        return Rebuilt(
            generation=entry.generation,
            replaced=entry.replaces or live,
            comparison=comparison,
            switched=True,
            left_to_do=left_to_do,
        )

    async def _prepare(self, entry: Entry) -> None:
        """Whatever an earlier one has left under this number is gone when this returns."""
        self._tell(Progress(generation=entry.generation, state="preparing"))
        live = await self._generations.live(self._projection)
        await self._clean_up(entry, keep=_standby(await self._record.of(entry.projection), live))
        await self._way.sweep(entry.generation)
        await self._generations.drop(self._projection, entry.generation)
        await self._generations.prepare(self._projection, entry.generation)
        await self._record.enter(entry, "filling")

    async def _filled_and_compared(self, entry: Entry, filling: Filling, live: int) -> Comparison:
        """Both go on meanwhile, and the new one goes on being filled while they are compared."""
        async with background(filling.run(), f"filling {self._projection.name}"):
            await self._filled(entry, filling)
            await self._record.enter(entry, "comparing")
            comparison = await self._compare(entry, filling, live)
            counts = {"equal": comparison.equal, "different": comparison.different.count}
            await self._record.compared(entry, **counts, behind=comparison.behind.count)
        return comparison

    async def _filled(self, entry: Entry, filling: Filling) -> None:
        async for _ in filling.until_level():
            self._tell(_progress(entry.generation, filling, "filling"))

    async def _compare(self, entry: Entry, filling: Filling, live: int) -> Comparison:
        def tell(compared: int) -> None:
            self._tell(_progress(entry.generation, filling, "comparing", compared=compared))

        return await compare(
            self._projection, self._store, old=live, new=entry.generation, mend=filling.mend, tell=tell
        )

    async def _clean_up(self, entry: Entry, *, keep: int | None) -> str:
        """Drops the generations that nobody reads or may want back. What cannot be done now, the next one does."""
        live = await self._generations.live(self._projection)
        kept = [live, entry.generation, *([keep] if keep else [])]
        try:
            for generation in await self._record.droppable(entry.projection, keep=kept, after=_KEPT_AT_LEAST):
                await self._way.sweep(generation)
                await self._generations.drop(self._projection, generation)
                await self._record.dropped(entry.projection, generation)
        except Deposed:
            raise
        except Exception as away:  # noqa: BLE001 - the rebuild itself is done, and must be told so
            return type(away).__name__
        return ""


def _standby(known: Sequence[Entry], live: int) -> int | None:
    """The generation that was left last and is still there."""
    left = [one for one in known if one.left_at and not one.dropped_at and one.generation != live]
    return max(left, key=lambda one: one.left_at or one.begun_at).generation if left else None


def _progress(generation: int, filling: Filling, state: State, compared: int = 0) -> Progress:
    return Progress(
        generation=generation,
        state=state,
        applied=filling.applied,
        there=filling.there,
        rate=filling.rate,
        compared=compared,
        waits_for="" if filling.reads or state != "filling" else "Kafka",
    )


async def compare(
    projection: Projection[Any],
    store: Store,
    *,
    old: int,
    new: int,
    mend: Mend | None = None,
    tell: Callable[[int], None] = lambda compared: None,
) -> Comparison:
    """Every document of both generations, and a journal's sources."""
    found = Comparison()
    generations = Generations(store)
    pairs = zip(generations.collections(projection, old), generations.collections(projection, new), strict=True)
    for left, right in pairs:
        await Comparing(store, old=left, new=right, mend=mend, tell=tell).run(found)
    return found
