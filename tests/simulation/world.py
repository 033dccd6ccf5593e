"""The world of a run: its time and chance, what happens in it (the trace), its weather, and the lines to its engines.

A request travels, takes effect, and its answer travels back; what befalls it on the way is drawn from the weather.
A late one takes effect when its sender has given up already.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from tests.simulation.loop import WHOSE, Turn, VirtualLoop

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How often (of one request) each thing happens."""

    lost_request: float = 0.0
    lost_answer: float = 0.0
    late: float = 0.0
    killed: float = 0.0
    frozen: float = 0.0
    slow: float = 0.0

    @classmethod
    def drawn(cls, chance: Random) -> "Weather":
        """Mostly a few kinds at once; a quiet world now and then, so that faults are told from plain races."""
        worst = {
            "lost_request": 0.05, "lost_answer": 0.05, "late": 0.03, "killed": 0.02, "frozen": 0.02, "slow": 0.1,
        }  # fmt: skip
        return cls(**{kind: most * chance.random() for kind, most in worst.items() if chance.random() < 0.6})


CALM = Weather()
_AGAIN = 0.01


class World:
    """One run's. Everything that is drawn is drawn from `chance`, and everything that happens is in the trace."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.loop = VirtualLoop(self.chance)
        self.weather = CALM
        self.over = False
        self.trace: list[str] = []
        self.unknown: list[str] = []
        """what an engine was asked and nobody taught it"""
        self.kill: Callable[[Turn], None] = lambda turn: None
        self.freeze: Callable[[Turn], None] = lambda turn: None
        """what to do with the process whose request it was; the processes set them"""

    def note(self, what: str) -> None:
        if not self.over:
            self.trace.append(f"{self.loop.time():11.6f} {what}")

    def fingerprint(self) -> str:
        """The same for two runs in which the same things happened at the same times."""
        return sha256("\n".join(self.trace).encode()).hexdigest()

    def id(self) -> UUID:
        """A fresh one, of this seed."""
        return UUID(int=self.chance.getrandbits(128), version=4)

    def later(self, seconds: float, do: Callable[..., object], *arguments: Any) -> None:
        """Outside of any process."""
        self.loop.call_at(self.loop.time() + seconds, do, *arguments, context=_NOBODY)

    def travel(self) -> float:
        """Mostly quick; when the weather is slow, seconds at times."""
        chance = self.chance.random()
        if chance < self.weather.slow:
            return 6.0 * self.chance.random()
        return 0.004 * chance

    async def pause(self, seconds: float) -> None:
        """Up to about that long."""
        await asyncio.sleep(seconds * self.chance.random())


_NOBODY = Context()


class Line:
    """The way to one engine. `lost` makes the error that its client raises when an answer does not come."""

    def __init__(self, world: World, name: str, *, lost: Callable[[], Exception]) -> None:
        self.world = world
        self.name = name
        self.up = True
        self.lost = lost

    def ask(
        self,
        what: str,
        effect: Callable[[], T],
        *,
        fail: Callable[[], Exception] | None = None,
        busy: Callable[[], bool] = lambda: False,
    ) -> "asyncio.Future[T]":
        """The answer to come. `fail` makes the error where a request or its answer is lost (also: cuts the session);
        while the engine is `busy` with others, the request waits there.
        """
        answer: asyncio.Future[T] = self.world.loop.create_future()
        asked = _Asked(self, what, effect, fail or self.lost, busy, answer, WHOSE.get(self.world.loop.world))
        if self.world.over:
            answer.set_exception(asked.fail())
        else:
            self.world.later(self.world.travel(), asked.arrive)
        return answer


@dataclass(slots=True)
class _Asked:
    """One request on its way."""

    line: Line
    what: str
    effect: Callable[[], Any]
    fail: Callable[[], Exception]
    busy: Callable[[], bool]
    answer: "asyncio.Future[Any]"
    turn: Turn

    def arrive(self) -> None:
        world = self.line.world
        if self.line.up and self.busy():
            world.later(_AGAIN, self.arrive)
            return
        fate = "down" if not self.line.up else _fate(world)
        world.note(f"{self.turn.name}: {self.line.name} {self.what}{fate and ': '}{fate}")
        if fate in ("down", "lost request", "late"):
            world.later(world.travel(), self._refuse)
        if fate == "late":
            world.later(3 * world.chance.random(), self._take_effect, fate)
        elif fate not in ("down", "lost request"):
            self._take_effect(fate)
        if fate == "killed":
            world.kill(self.turn)
        elif fate == "frozen":
            world.freeze(self.turn)

    def _take_effect(self, fate: str) -> None:
        world = self.line.world
        try:
            result = self.effect()
        except AssertionError as unknown:
            world.unknown.append(str(unknown))
            raise
        except Exception as error:  # noqa: BLE001 - the engine's answer
            world.later(world.travel(), self._settle, None, error)
            return
        if fate == "lost answer":
            world.later(world.travel(), self._refuse)
        else:
            world.later(world.travel(), self._settle, result, None)

    def _refuse(self) -> None:
        self._settle(None, self.fail())

    def _settle(self, result: Any, error: Exception | None) -> None:
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


def _fate(world: World) -> str:
    """What befalls one request; mostly nothing."""
    weather, left = world.weather, world.chance.random()
    for fate, share in (
        ("lost request", weather.lost_request),
        ("lost answer", weather.lost_answer),
        ("late", weather.late),
        ("killed", weather.killed),
        ("frozen", weather.frozen),
    ):
        left -= share
        if left < 0:
            return fate
    return ""
