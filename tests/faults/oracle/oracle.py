"""Gives commands and remembers them; after the fault, says whether what was promised is so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from deploy.story.cast import Caller
from shared.kernel import named_id
from tests.faults.grounds.ground import Ground
from tests.faults.oracle.client import Answer, Client, NoAnswer
from tests.faults.oracle.mirror import Mirror
from tests.faults.oracle.topics import Topics
from tests.faults.row import FellShort

_PATIENCE = 120.0
_NAMED = 5
"""findings of a kind that are told"""


class Over(Exception):
    """The load ends: no further command is given."""


@dataclass(slots=True, kw_only=True)
class Command:
    """One command as it was given. `effect`: the contracts that it makes where it is taken, each once."""

    id: UUID
    service: str
    door: str
    effect: Sequence[str]
    answer: Answer | None = None


@dataclass
class Counts:
    """How much was asked and answered."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    """409, 412, 404 and their kind: answers, too"""
    refusals: Counter[str] = field(default_factory=Counter)
    """of each status and door, how often"""


Flow = Callable[["Oracle", Random], Coroutine[Any, Any, None]]
"""one patient's way, or one counter's: a few commands, one after another"""


@dataclass(kw_only=True)
class Oracle:
    """For one row on one ground. `mirror` and `topics` are the ground's: they know what earlier rows have left."""

    ground: Ground
    mirror: Mirror
    topics: Topics
    flow: Flow
    canary: str
    seed: int
    counts: Counts = field(default_factory=Counts)
    commands: dict[UUID, Command] = field(default_factory=dict)
    patients: list[str] = field(default_factory=list)
    known: dict[str, list[Any]] = field(default_factory=dict)
    """what flows leave for one another"""
    wrong: list[str] = field(default_factory=list)
    """what was seen at once: an answer that must not be"""
    poison: list[tuple[str, int, int]] = field(default_factory=list)
    """topic, partition and offset of the messages that the row has put there to be refused"""
    over: bool = False
    hears_within: float = 6.0
    """seconds that a service is given to hear of another's things, before a way ends there"""
    longest_stall: float = 0.0
    """seconds between two acknowledgements, whoever got them"""
    _acknowledged_at: float = field(default_factory=monotonic)
    _keys: int = 0
    _ended: int = 0
    _working: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(self.ground)
        self._events = self.mirror.events

    async def close(self) -> None:
        self._ended = self.mirror.events
        await self.client.close()

    # commands --------------------------------------------------------------------------------------------------------

    async def command(
        self,
        caller: Caller,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        effect: Sequence[str],
        headers: Mapping[str, str] | None = None,
        until_heard: float = 0.0,
    ) -> Answer:
        """The answer that stands. A repeat after a broken connection carries the same key. Raises `Over`.

        `until_heard`: seconds for which a 404 means that the service has not heard of it yet, so it is said again.
        """
        if self.over:
            raise Over
        self._keys += 1
        key = f"{self.canary}-{self._keys}"
        id = named_id("command", caller.organization, caller.subject, key)
        command = Command(id=id, service=service, door=f"{method} {path}", effect=effect)
        self.commands[id] = command
        self.counts.sent += 1
        sent = {**(headers or {}), "Idempotency-Key": key}
        deadline = monotonic() + until_heard
        try:
            answer = await self.client.ask(caller, method, service, path, body=body, headers=sent, patience=_PATIENCE)
            while answer.status == 404 and monotonic() < deadline and not self.over:
                await asyncio.sleep(0.1)
                answer = await self.client.ask(caller, method, service, path, body=body, headers=sent)
        except NoAnswer as never:
            self.wrong.append(f"no answer: {never}")
            raise Over from None
        command.answer = answer
        self._note(command, answer)
        return answer

    def _note(self, command: Command, answer: Answer) -> None:
        if answer.fine:
            self.counts.acknowledged += 1
            self.longest_stall = max(self.longest_stall, monotonic() - self._acknowledged_at)
            self._acknowledged_at = monotonic()
            return
        self.counts.refused += 1
        self.counts.refusals[f"{answer.status} {command.service} {command.door.rsplit('/', 1)[-1]}"] += 1
        if answer.status >= 500:
            self.wrong.append(f"{command.door} of {command.service} answered {answer.status}")
        if self.canary in answer.text:
            self.wrong.append(f"an error of {command.service} ({answer.status}) repeats what was submitted")

    async def heard(
        self, caller: Caller, service: str, path: str, found: Callable[[Any], Any], *, within: float = 5.0
    ) -> Any:
        """What a read comes to show; None where it does not in time (a broker may be away). Raises `Over`."""
        deadline = monotonic() + within
        while True:
            if self.over:
                raise Over
            answer = await self.client.ask(caller, "GET", service, path)
            if answer.fine and (it := found(answer.body)):
                return it
            if monotonic() > deadline:
                return None
            await asyncio.sleep(0.1)

    # load ------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def load(self, *, clients: int = 4) -> AsyncIterator[None]:
        """So many clients at work meanwhile, each drawn from the seed. Raises `FellShort` where one could not go on."""
        self.over = False
        self._working = [asyncio.create_task(self._work(Random(f"{self.seed}:{n}"))) for n in range(clients)]
        try:
            yield
        finally:
            self.over = True
            done = await asyncio.gather(*self._working, return_exceptions=True)
        if broken := [one for one in done if isinstance(one, BaseException)]:
            raise broken[0]

    async def _work(self, random: Random) -> None:
        try:
            while not self.over:
                await self.flow(self, random)
        except Over:
            return

    async def more(self, commands: int, *, within: float = 60.0) -> float:
        """Returns when so many more commands are acknowledged: the seconds it took. Raises `FellShort`."""
        began, wanted = monotonic(), self.counts.acknowledged + commands
        while self.counts.acknowledged < wanted:
            if broken := [one for one in self._working if one.done() and one.exception()]:
                await broken[0]
            if monotonic() - began > within:
                there = self.counts.acknowledged - wanted + commands
                raise FellShort(f"only {there} of {commands} commands were acknowledged in {within:.0f} s")
            await asyncio.sleep(0.02)
        return monotonic() - began

    async def comes_to(self, holds: Callable[[], bool], *, within: float = 60.0) -> bool:
        """Whether it came to hold in time, while the load goes on."""
        deadline = monotonic() + within
        while not holds():
            if monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    # judgement -------------------------------------------------------------------------------------------------------

    @property
    def events(self) -> int:
        """Events in the logs since this oracle began, as far as the mirror has read."""
        return (self._ended or self.mirror.events) - self._events

    def unkept(self) -> list[str]:
        """I1: every command that was acknowledged is in its log, with its whole effect, once; no refused one is."""
        found = []
        for id, command in self.commands.items():
            events = [type.rsplit(".v", 1)[0] for _, type, _, _ in self.mirror.by_command.get(id, ())]
            if command.answer is None:
                continue
            if command.answer.fine and any(events.count(one) != 1 for one in command.effect):
                found.append(f"{command.door} of {command.service} was acknowledged, and made {events or 'nothing'}")
            elif not command.answer.fine and events:
                found.append(f"{command.door} of {command.service} was refused, and made {events}")
            found += self._version_not_kept(command)
        return found

    def _version_not_kept(self, command: Command) -> list[str]:
        """What the answer calls changed is in the log, by this very command."""
        if command.answer is None or not command.answer.fine or not isinstance(command.answer.body, dict):
            return []
        there = {(str(subject), version) for _, _, subject, version in self.mirror.by_command.get(command.id, ())}
        said = {(one["id"], one["version"]) for one in command.answer.body.get("changed", ())}
        return [f"{command.door} named {id}.{version}, which is not its doing" for id, version in sorted(said - there)]


def few(found: Sequence[str]) -> str:
    """The first of them, and how many there are."""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more
