"""Loads go together as appends do: those that are asked for while one is under way are one round trip, the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

_READERS = 2
"""reads under way, so that a slow one holds up no more than those that go with it"""
_TOGETHER = 200
"""aggregates of one read; whoever asks for more at once reads alone"""

Rows = Mapping[UUID, Sequence[Any]]
Read = Callable[[Sequence[UUID], Sequence[bytes]], Awaitable[Sequence[Any]]]
"""the rows of these aggregates, in the order of their versions, each with the maker of the snapshots it may use"""


class _Ask(NamedTuple):
    ids: Sequence[UUID]
    maker: bytes
    answer: asyncio.Future[Rows]


class Gathering:
    """What many ask for, read at once. An error of a read is that of all who are in it."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._asked: deque[_Ask] = deque()
        self._reading = 0
        """readers at work: a task that has ended is among `_tasks` for a moment more"""
        self._tasks: set[asyncio.Task[None]] = set()

    async def rows(self, ids: Sequence[UUID], maker: bytes) -> Rows:
        """Those that exist."""
        if len(ids) > _TOGETHER:
            return _by_aggregate(await self._read(ids, [maker] * len(ids)))
        answer: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        self._asked.append(_Ask(ids, maker, answer))
        if self._reading < _READERS:
            self._reading += 1
            reader = asyncio.create_task(self._go_on(), name="gathered loads")
            self._tasks.add(reader)
            reader.add_done_callback(self._tasks.discard)
        return await answer

    async def _go_on(self) -> None:
        try:
            await self._read_all()
        finally:
            self._reading -= 1

    async def _read_all(self) -> None:
        while self._asked:
            makers, asks = self._next()
            try:
                found = _by_aggregate(await self._read(list(makers), list(makers.values())))
            except BaseException as error:
                for ask in asks:
                    if not ask.answer.done():
                        ask.answer.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for ask in asks:
                if not ask.answer.done():
                    ask.answer.set_result({id: found[id] for id in ask.ids if id in found})

    def _next(self) -> tuple[dict[UUID, bytes], list[_Ask]]:
        """As many as go together: an aggregate has one maker in a read."""
        makers: dict[UUID, bytes] = {}
        asks: list[_Ask] = []
        while self._asked and len(makers) + len(self._asked[0].ids) <= _TOGETHER:
            ask = self._asked[0]
            if any(makers.get(id, ask.maker) != ask.maker for id in ask.ids):
                break
            makers.update(dict.fromkeys(ask.ids, ask.maker))
            asks.append(self._asked.popleft())
        return makers, asks


def _by_aggregate(rows: Sequence[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["aggregate"], []).append(row)
    return found
