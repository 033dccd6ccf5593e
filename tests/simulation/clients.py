"""Those who ask: each says one thing after the other, to whichever process answers, and remembers what it was told.

A command with a key is said again until it is answered; one without is said once, and then nobody knows. That there is
no such thing is no answer: it may be only that the thing has not been heard of yet, so no log keeps it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.kernel import Refused
from shared.runtime.mandate import Done, Mandate
from tests.simulation.process import Process
from tests.simulation.slips import POISON, WHO, Commands
from tests.simulation.world import World

_PATIENCE = 8.0
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
Say = Callable[[Commands], Coroutine[Any, Any, Done]]


@dataclass(slots=True)
class Asked:
    """One command, and what came of it. `done` and `refused` None: nobody was told."""

    mandate: Mandate
    what: str
    done: Done | None = None
    refused: str | None = None
    tries: int = 0

    @property
    def answered(self) -> bool:
        return self.done is not None or self.refused is not None


@dataclass
class Clients:
    """All of them, over the same few slips."""

    world: World
    doors: Sequence[Process]
    slips: Sequence[UUID]
    poison: float
    asked: list[Asked] = field(default_factory=list)

    async def talk(self, commands: int) -> None:
        """One client's life."""
        for _ in range(commands):
            await self.world.pause(1.0)
            await self._ask(*self._wish())

    async def write_all(self) -> None:
        """The first slips are there before the storm."""
        for n, id in enumerate(self.slips):
            under = self.slips[0] if n % 2 else None
            await self._ask(self._asked("write", keyed=True), self._write(id, under))

    def _wish(self) -> tuple[Asked, Callable[[Mandate], Say]]:
        chance = self.world.chance
        id = self.slips[int(len(self.slips) * chance.random() ** 2)]
        by = POISON if chance.random() < self.poison else chance.randint(1, 6)
        keyed = chance.random() < 0.7
        match chance.random():
            case draw if draw < 0.15:
                return self._asked("withdraw", keyed), lambda m: lambda c: c.withdraw(mandate=m, id=id)
            case draw if draw < 0.35:
                return self._asked("restore", keyed), lambda m: lambda c: c.restore(mandate=m, id=id)
            case draw if draw < 0.5:
                to = chance.choice(self.slips)
                return self._asked("move", keyed), lambda m: lambda c: c.move(mandate=m, id=id, to=to, by=by)
            case _:
                return self._asked("add", keyed), lambda m: lambda c: c.add_to(mandate=m, id=id, by=by)

    def _write(self, id: UUID, under: UUID | None) -> Callable[[Mandate], Say]:
        return lambda m: lambda c: c.write(mandate=m, id=id, under=under)

    def _asked(self, what: str, keyed: bool) -> Asked:
        at = _BEGAN + timedelta(seconds=self.world.loop.time())
        command = self.world.id()
        mandate = Mandate(
            actor=WHO, action="clinical.record", command=command, at=at, keyed=keyed, fingerprint=what.encode()
        )
        self.asked.append(Asked(mandate, what))
        return self.asked[-1]

    async def _ask(self, one: Asked, wish: Callable[[Mandate], Say]) -> None:
        while not one.answered:
            one.tries += 1
            await self._try(one, wish(one.mandate))
            if not one.mandate.keyed:
                return
            if not one.answered:
                await self.world.pause(1.0)

    async def _try(self, one: Asked, say: Say) -> None:
        door = self.world.chance.choice(list(self.doors))
        try:
            async with asyncio.timeout(_PATIENCE):
                one.done = await door.ask(say)
        except Refused as no:
            one.refused = no.code
            self.world.note(f"{door.name}: {one.what} {one.mandate.command}: {no.code}")
        except Exception as error:  # noqa: BLE001 - whatever the door says, it is not an answer
            self.world.note(f"{door.name}: {one.what} {one.mandate.command}: {type(error).__name__}")
        else:
            self.world.note(f"{door.name}: {one.what} {one.mandate.command}: done")
