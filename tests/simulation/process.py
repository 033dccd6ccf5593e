"""A simulated process: killed at any moment without a word, or stopped for a while and then going on as if nothing was.

A killed one never runs again: no `finally`, no farewell to any engine. Its successor starts under the same name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from tests.simulation.loop import WHOSE, Turn
from tests.simulation.world import World

T = TypeVar("T")


class Gone(Exception):
    """The process that was asked is not there (any more)."""


class Process:
    """One at a time under a name. `main` starts what runs in it and returns what is asked of it."""

    def __init__(self, world: World, name: str, main: Callable[[], Awaitable[Any]]) -> None:
        self.world = world
        self.name = name
        self.turns: list[Turn] = []
        self.part: Any = None
        self._main = main
        self._alive = False
        self._waiting: list[asyncio.Future[Any]] = []

    def start(self) -> None:
        """Again after a while, if it could not."""
        turn = Turn(f"{self.name}.{len(self.turns) + 1}")
        self.turns.append(turn)
        self._alive = True
        self.world.note(f"{turn.name} starts")
        self._run(self._begin(turn))

    async def _begin(self, turn: Turn) -> None:
        try:
            part = await self._main()
        except Exception as error:  # noqa: BLE001 - its supervisor starts it again
            self.world.note(f"{turn.name} cannot start: {type(error).__name__}")
            self.kill(turn)
        else:
            self.part = part if turn is self.turns[-1] else self.part

    def kill(self, turn: Turn) -> None:
        """At once, if it is the one that runs; its supervisor starts the next one soon."""
        if not self._alive or turn is not self.turns[-1]:
            return
        self.world.note(f"{turn.name} is killed")
        self.world.loop.hold(turn)
        self._alive, self.part = False, None
        for future in self._waiting:
            self.world.later(self.world.travel(), _lost, future)
        self._waiting = []
        self.world.later(0.5 + 4 * self.world.chance.random(), self.start)

    def freeze(self, turn: Turn, seconds: float) -> None:
        """Stops it; it goes on later, whatever has happened since."""
        if self._alive and turn is self.turns[-1] and not turn.still:
            self.world.note(f"{turn.name} is frozen")
            self.world.loop.hold(turn)
            self.world.later(seconds, self._thaw, turn)

    def _thaw(self, turn: Turn) -> None:
        if self._alive and turn is self.turns[-1]:
            self.world.note(f"{turn.name} goes on")
            self.world.loop.release(turn)

    async def ask(self, do: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """What a client is answered. Raises `Gone` where the process dies before it has answered."""
        await asyncio.sleep(self.world.travel())
        if self.part is None:
            raise Gone
        answer: asyncio.Future[T] = self.world.loop.create_future()
        self._waiting.append(answer)
        self._run(_answer(do, self.part, answer))
        return await answer

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        context = copy_context()
        context.run(WHOSE.set, self.turns[-1])
        self.world.loop.create_task(work, name=self.turns[-1].name, context=context)


async def _answer(do: Callable[[Any], Coroutine[Any, Any, T]], part: Any, answer: "asyncio.Future[T]") -> None:
    try:
        result = await do(part)
    except Exception as error:  # noqa: BLE001 - the client's answer
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)


def _lost(answer: "asyncio.Future[Any]") -> None:
    if not answer.done():
        answer.set_exception(Gone())
