"""A group's coordinator: who is a member, in which generation, with which partitions; and what is committed.

Every member has to come again before partitions are given anew; one that does not within the session's time is out,
and finds so when it commits.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, UnknownMemberIdError

from shared.runtime.bus.topics import PARTITIONS
from tests.simulation.world import World

SESSION = 30.0
"""seconds after which a member that is not heard of is out"""


@dataclass(slots=True)
class _Member:
    heard_at: float
    topics: Sequence[str]
    joining: "asyncio.Future[Assigned] | None" = None


@dataclass(frozen=True, slots=True)
class Assigned:
    generation: int
    partitions: Sequence[TopicPartition]


@dataclass(slots=True)
class Group:
    """All of it happens at the broker; members ask over the line."""

    world: World
    name: str
    generation: int = 0
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    """all that it was ever given"""
    _members: dict[int, _Member] = field(default_factory=dict)
    _named: int = 0
    _preparing: bool = False

    def enter(self) -> int:
        """A new member's id; it is one when it has joined."""
        self._named += 1
        return self._named

    def join(self, id: int, topics: Sequence[str]) -> "asyncio.Future[Assigned]":
        """Its partitions, once all have come (again)."""
        now = self.world.loop.time()
        self.topics.update(topics)
        member = self._members.setdefault(id, _Member(now, topics))
        member.heard_at = now
        member.joining = coming = self.world.loop.create_future()
        self._begin()
        self._complete()
        return coming

    def leave(self, id: int) -> None:
        if self._members.pop(id, None):
            self._begin()
            self._complete()

    def heartbeat(self, id: int, generation: int) -> bool:
        """Whether it has to come again. Raises `UnknownMemberIdError`."""
        if id not in self._members:
            raise UnknownMemberIdError
        self._members[id].heard_at = self.world.loop.time()
        return self._preparing or generation != self.generation

    def commit(self, id: int, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        if id not in self._members or generation != self.generation:
            raise CommitFailedError
        self.committed.update(offsets)

    def forgive(self) -> None:
        """After an outage: who could not be heard meanwhile is not out for that."""
        for member in self._members.values():
            member.heard_at = self.world.loop.time()

    def watch(self, up: bool) -> None:
        """Looks for those that are not heard of; called now and then."""
        if up and self._expire():
            self._begin()
        self._complete()

    def _begin(self) -> None:
        if not self._preparing and self._members:
            self._preparing = True
            self.world.note(f"{self.name}: a rebalance begins")

    def _expire(self) -> bool:
        limit = self.world.loop.time() - SESSION
        late = [id for id, one in self._members.items() if one.heard_at < limit and one.joining is None]
        for id in late:
            self.world.note(f"{self.name}: member {id} is out")
            del self._members[id]
        return bool(late)

    def _complete(self) -> None:
        members = self._members
        if not self._preparing or any(one.joining is None for one in members.values()):
            return
        self._preparing = False
        self.generation += 1
        topics = sorted({topic for one in members.values() for topic in one.topics})
        places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self.world.note(f"{self.name}: generation {self.generation} of {sorted(members)}")
        for nth, (_, member) in enumerate(sorted(members.items())):
            _answer(member, Assigned(self.generation, places[nth :: len(members)]), self.world)


def _answer(member: _Member, assigned: Assigned, world: World) -> None:
    joining, member.joining = member.joining, None
    member.heard_at = world.loop.time()
    if joining and not joining.done():
        joining.set_result(assigned)
