"""What a step has in hand: the doors, the notebook, and patience for what becomes true later."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from deploy.story.cast import Caller
from deploy.story.doors import Answer, Doors, Unexpected
from deploy.story.notebook import Notebook
from deploy.trouble import Trouble

PATIENCE = 60.0
"""seconds in which everything that is eventual must have come"""
_LOOK = 0.05
_SILENT = 0.3
"""seconds after which a person wants to know what is being waited for"""
_DONE = frozenset({200, 201, 204})

T = TypeVar("T")


class NeverCame(Trouble):
    """Something that should have become true did not."""


@dataclass(kw_only=True)
class Scene:
    doors: Doors
    notebook: Notebook
    waits: Callable[[str], None] = lambda what: None
    """is told what is being waited for"""
    patience: float = PATIENCE

    def fact(self, name: str) -> Any:
        return self.notebook.facts[name]

    def note(self, **facts: Any) -> None:
        self.notebook.note(**facts)

    def now(self, step: str) -> str:
        """The moment at which this step was first played: it says the same one again."""
        if (kept := self.notebook.facts.get(f"{step} at")) is None:
            kept = datetime.now(UTC).isoformat(timespec="microseconds")
            self.note(**{f"{step} at": kept})
        return str(kept)

    async def get(self, caller: Caller, service: str, path: str) -> Answer:
        return await self.doors.ask(caller, "GET", service, path)

    async def read(self, caller: Caller, service: str, path: str) -> Any:
        """What is there. Raises `Unexpected` where nothing is shown."""
        answer = await self.get(caller, service, path)
        if answer.status != 200:
            raise Unexpected(f"{path.partition('?')[0]} of {service} answered {answer.status} {answer.code}".rstrip())
        return answer.body

    async def do(
        self,
        step: str,
        caller: Caller,
        service: str,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        cause: str | None = None,
    ) -> Answer:
        """One command, once. Raises `Unexpected` where it is not taken."""
        answer = await self.say(step, caller, service, path, body, method=method, cause=cause)
        if answer.status not in _DONE:
            raise Unexpected(f"{step}: {method} {path} of {service} answered {answer.status} {answer.code}".rstrip())
        return answer

    async def say(
        self,
        step: str,
        caller: Caller,
        service: str,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        cause: str | None = None,
    ) -> Answer:
        """A command and its answer. Its key is made of the story and the step. Where the service has not yet heard of
        what it is about (404), it is said again: clients wait.
        """
        headers = {"Idempotency-Key": f"story-{self.notebook.id}-{step.replace(' ', '-')}"}
        if cause:
            headers["Carelog-Cause"] = cause

        async def heard() -> Answer | None:
            answer = await self.doors.ask(caller, method, service, path, body=body, headers=headers)
            return None if answer.status == 404 else answer

        return await self.until(f"{service} has heard of what it is about", heard)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """What `look` finds, as soon as it finds something. Raises `NeverCame`."""
        began, told = monotonic(), False
        while (found := await look()) is None:
            if monotonic() - began > self.patience:
                raise NeverCame(f"Waited {self.patience:.0f} s in vain until {what}.")
            if not told and monotonic() - began > _SILENT:
                self.waits(what)
                told = True
            await asyncio.sleep(_LOOK)
        return found

    def expect(self, what: str, *, holds: bool) -> None:
        """Raises `Unexpected` where the story does not go as it should."""
        if not holds:
            raise Unexpected(f"It does not hold that {what}.")
