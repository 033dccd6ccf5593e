"""An event loop without a clock: when nothing can run, its time jumps to the next timer.

Every callback belongs to a `Turn` (a simulated process, or the world itself), told by its context. Within one turn
callbacks run in the order asyncio promises; which turn comes next is drawn from the seed. A turn may stand still: what
it would have run waits for it, as in a process that is stopped.
"""

import asyncio
import heapq
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from random import Random
from typing import Any

_STEPS = 2_000_000


class Deadlock(Exception):
    """Nothing can run and no timer is set, and what was waited for has not come."""


class TooLong(Exception):
    """More steps than a run may take: something turns in a circle without time passing."""


class Turn:
    """What runs in one order: its callbacks that are ready, and whether they may run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.still = False
        self.ready: deque[Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []

    def unfinished(self) -> list[asyncio.Task[Any]]:
        return [task for task in self.tasks if not task.done()]


WHOSE: ContextVar[Turn] = ContextVar("whose")


class VirtualLoop(asyncio.BaseEventLoop):
    """Same seed, same order of everything that happens on it."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.steps = 0
        self.most = _STEPS
        self.world = Turn("world")
        self._chance = chance
        self._at = 0.0
        self._able: list[Turn] = []
        self._timers: list[tuple[float, int, TimerHandle]] = []
        self._set = 0
        self.set_task_factory(_kept)

    def time(self) -> float:
        return self._at

    def hold(self, turn: Turn) -> None:
        """From now on nothing of it runs."""
        turn.still = True
        if turn in self._able:
            self._able.remove(turn)

    def release(self, turn: Turn) -> None:
        """What has become ready meanwhile runs again, in its order."""
        if turn.still:
            turn.still = False
            if turn.ready:
                self._able.append(turn)

    def call_soon(  # type: ignore[override]  # their stubs tie the arguments to the callback
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, self, context)
        self._ready_now(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        timer = TimerHandle(when, callback, args, self, context)
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, timer))
        return timer

    def stacks(self) -> str:
        """Where every task stands that has not ended: for who has to find out why nothing moves."""
        return "\n".join(f"{task.get_name()}: {_place(task)}" for task in asyncio.all_tasks(self))

    def _ready_now(self, handle: Handle) -> None:
        turn: Turn = handle._context.get(WHOSE, self.world)  # type: ignore[attr-defined]
        if not turn.ready and not turn.still:
            self._able.append(turn)
        turn.ready.append(handle)

    def _run_once(self) -> None:
        while not self._stopping:  # type: ignore[attr-defined]
            if self._timers and self._timers[0][0] <= self._at:
                self._take_due()
            if not self._able:
                self._jump()
                continue
            self.steps += 1
            if self.steps > self.most:
                raise TooLong(self.stacks())
            self._next()._run()

    def _next(self) -> Handle:
        """The first callback of a turn drawn from those that have any."""
        able = self._able
        n = int(self._chance.random() * len(able)) if len(able) > 1 else 0
        turn = able[n]
        handle = turn.ready.popleft()
        if not turn.ready:
            able[n] = able[-1]
            able.pop()
        return handle

    def _take_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._at:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled():
                self._ready_now(timer)

    def _jump(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Deadlock(self.stacks())
        self._at = self._timers[0][0]

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """It is left in the heap until its time."""


def _kept(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """A task that its turn keeps: that of a killed process must not be collected, and so be ended, meanwhile."""
    task = asyncio.Task(coroutine, loop=loop, context=context)
    turn = context.get(WHOSE) if context else WHOSE.get(None)
    if turn is not None:
        turn.tasks.append(task)
    return task


def _place(task: asyncio.Task[Any]) -> str:
    frames = [f"{frame.f_code.co_qualname} line {frame.f_lineno}" for frame in task.get_stack()]
    return " > ".join(frames) or "begins"
