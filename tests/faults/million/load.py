"""Clients that give commands one after another, and a ledger of every answer."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from shared.kernel import Unavailable
from shared.runtime.log import Log
from shared.runtime.mandate import Done, Mandate, fresh_id
from tests.integration.runtime.asking import Known, mandate
from tests.support.counters import Commands

_CLIENTS = 64
_LIFE = 20
"""commands for one counter"""
_HOT = 8
"""counters that everybody counts now and then"""
_PAUSE = 0.1

Give = Callable[[Mandate], Awaitable[Done]]


@dataclass
class Ledger:
    """What was acknowledged: of each counter, the command that made each version."""

    acknowledged: int = 0
    again: int = 0
    """commands that were said again, because nobody had answered them"""
    reactions: int = 0
    """counters that were opened to have another one counted by a reaction"""
    versions: dict[UUID, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, command: UUID, done: Done) -> None:
        self.acknowledged += 1
        for one in done.changed:
            self.versions[one.id][one.version] = command.int


class Load:
    """`wanted` commands, through a log of its own: the doors' HTTP is left out, as in the bench."""

    def __init__(self, *, dsn: str, wanted: int, random: Random) -> None:
        self.ledger = Ledger()
        self._wanted = wanted
        self._random = random
        self._log = Log(dsn=dsn, nearness=Known())
        self._commands = Commands(log=self._log)
        self._hot: list[UUID] = []

    async def run(self) -> None:
        """Returns when all of them are acknowledged."""
        await self._log.start()
        try:
            self._hot = [await self._opened("") for _ in range(_HOT)]
            async with asyncio.TaskGroup() as clients:
                for _ in range(_CLIENTS):
                    clients.create_task(self._client(Random(self._random.random())))
        finally:
            with suppress(OSError):
                await self._log.stop()

    async def _client(self, random: Random) -> None:
        while self.ledger.acknowledged < self._wanted:
            reacted = random.random() < 0.1
            mine = await self._opened(str(random.choice(self._hot)) if reacted else "")
            self.ledger.reactions += reacted
            for _ in range(_LIFE - 1):
                await self._count(random.choice(self._hot) if random.random() < 0.05 else mine)

    async def _opened(self, note: str) -> UUID:
        id = fresh_id()
        await self._given(lambda mandate: self._commands.open(mandate=mandate, id=id, note=note))
        return id

    async def _count(self, id: UUID) -> None:
        await self._given(lambda mandate: self._commands.count(mandate=mandate, id=id))

    async def _given(self, give: Give) -> None:
        """The same command until somebody answers."""
        command = mandate(command=fresh_id(), keyed=True)
        while True:
            try:
                done = await give(command)
            except Unavailable:
                self.ledger.again += 1
                await asyncio.sleep(_PAUSE)
            else:
                self.ledger.note(command.command, done)
                return
