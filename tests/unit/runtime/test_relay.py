"""The relay over fakes: nothing is saved that is not acknowledged, whatever breaks at whichever step."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from aiokafka.errors import KafkaConnectionError
from msgspec.structs import replace

from shared.kernel import named_id
from shared.runtime.bus.lease import Deposed
from shared.runtime.bus.relay import Relay
from shared.runtime.bus.wire import Message
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher
from shared.runtime.workers import background
from tests.support.contracts import stored
from tests.support.counter import Counter
from tests.support.counters import service
from tests.support.harness import eventually
from tests.support.scenario import SOME_TIME
from tests.unit.runtime.conftest import Lines

PUBLISHER = Publisher(service, epoch=1)


def counted(number: int, *, of: int = 5) -> Stored:
    """The event at this position: counters take turns."""
    id, version = named_id(f"counter {number % of}"), (number - 1) // of + 1
    made = Counter.Counted(originator_id=id, originator_version=version, by=number, timestamp=SOME_TIME)
    return replace(stored(made), position=number, topic="records")


class Breaks(OSError):
    """Something is away."""


@dataclass
class World:
    """A log, its relay row and its topic. The call to any of them whose number is `breaks_at` fails, once."""

    log: list[Stored] = field(default_factory=list)
    topic: list[tuple[UUID, int]] = field(default_factory=list)
    acknowledged: int = 0
    position: int = 0
    holder: str | None = None
    rewind_to: int | None = None
    saves: int = 0
    saved_too_soon: bool = False
    opened: int = 0
    breaks_at: int = -1
    calls: list[str] = field(default_factory=list)
    lost: bool = False

    def step(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) - 1 == self.breaks_at:
            raise KafkaConnectionError if name.startswith("publish") else Breaks

    async def after(self, position: int, *, limit: int) -> Sequence[Stored]:
        self.step("read")
        return self.log[position : position + min(limit, 7)]

    @asynccontextmanager
    async def outlet(self) -> AsyncIterator["World"]:
        self.step("open")
        self.opened += 1
        yield self

    async def publish(self, parted: Mapping[tuple[str, int], Sequence[Message]]) -> None:
        self.step("publish")
        headers = [dict(one.headers) for messages in parted.values() for one in messages]
        self.topic += [(UUID(one["ce_subject"].decode()), int(one["ce_sequence"])) for one in headers]
        self.step("publish: the reply")
        self.acknowledged = max(self.acknowledged, *(int(one["ce_position"].decode()[2:]) for one in headers))

    def append(self, count: int) -> None:
        self.log += [counted(len(self.log) + n) for n in range(1, count + 1)]

    @property
    def told(self) -> dict[UUID, list[int]]:
        """What a consumer makes of the topic: duplicates are passed over, a hole is not."""
        seen: dict[UUID, list[int]] = {}
        for subject, version in self.topic:
            versions = seen.setdefault(subject, [])
            assert version <= len(versions) + 1, "a hole"
            if version > len(versions):
                versions.append(version)
        return seen

    @property
    def whole(self) -> bool:
        """All of the log is told and saved, and nothing was saved before it was acknowledged."""
        assert not self.saved_too_soon
        return sum(map(len, self.told.values())) == len(self.log) == self.position


@dataclass
class Row:
    """The lease, of one relay."""

    world: World
    name: str
    dead: bool = False

    async def take(self) -> int | None:
        self.world.step("take")
        if self.world.holder not in (None, self.name):
            return None
        self.world.holder = self.name
        return self.world.position

    async def renew(self) -> int | None:
        self.world.step("renew")
        self._ours()
        wanted, self.world.rewind_to = self.world.rewind_to, None
        return wanted

    async def save(self, position: int) -> None:
        self.world.step("save")
        self._ours()
        self.world.saved_too_soon |= position > self.world.acknowledged
        self.world.position = position
        self.world.saves += 1
        self.world.step("save: the reply")

    async def rewind(self, *, to: int) -> None:
        self.world.step("rewind")
        self._ours()
        self.world.position = min(to, self.world.position)

    async def give_back(self) -> None:
        if self.dead:
            raise Breaks
        if self.world.holder == self.name:
            self.world.holder = None

    async def age(self, position: int | None) -> float:
        return float(len(self.world.log) - (self.world.position if position is None else position))

    async def news(self, *, within: float) -> None:
        await asyncio.sleep(min(within, 0.001))

    async def close(self) -> None: ...

    def _ours(self) -> None:
        if self.dead:
            raise Breaks
        if self.world.holder != self.name:
            raise Deposed


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.relay._PAUSES", (0.0,))
    monkeypatch.setattr("shared.runtime.bus.relay._TRY", 0.001)
    monkeypatch.setattr("shared.runtime.bus.relay._RENEW", 0.002)


def a_relay(world: World, name: str = "first", **more: Any) -> Relay:
    return Relay(log=world, lease=Row(world, name), publisher=PUBLISHER, outlet=world.outlet, **more)


async def test_all_of_the_log_is_told_in_order_and_the_position_saved(lines: Lines) -> None:
    world = World()
    world.append(100)
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: world.whole)
        world.append(10)
        await eventually(lambda: world.whole)
        assert relay.active

    assert (relay.published, relay.position, relay.interruptions, len(world.topic)) == (110, 110, 0, 110)
    assert (relay.active, world.holder, lines()) == (False, None, [])


@pytest.mark.parametrize("at", range(60))
async def test_whatever_breaks_once_nothing_is_lost_and_nothing_saved_too_soon(at: int) -> None:
    world = World(breaks_at=at)
    world.append(40)
    async with background(a_relay(world).run(), "relay"):
        await eventually(lambda: world.whole)


async def test_the_steps_that_break_are_all_there_are() -> None:
    world = World()
    world.append(40)
    async with background(a_relay(world).run(), "relay"):
        await eventually(lambda: world.whole and len(world.calls) > 60)

    assert {"take", "open", "read", "publish", "publish: the reply", "save", "save: the reply"} <= {*world.calls[:60]}


@pytest.mark.parametrize("after", range(0, 30, 3))
async def test_killed_at_any_point_the_next_relay_goes_on(after: int) -> None:
    world = World()
    world.append(40)
    lease = Row(world, "first")
    first = Relay(log=world, lease=lease, publisher=PUBLISHER, outlet=world.outlet)
    async with background(first.run(), "first"):
        await eventually(lambda: len(world.calls) > after)
        lease.dead = True
    world.holder = None
    async with background(a_relay(world, "second").run(), "second"):
        await eventually(lambda: world.whole)


async def test_positions_are_saved_ten_times_a_second_at_most_and_the_last_at_once_when_it_ends() -> None:
    world = World()
    world.append(700)
    async with background(a_relay(world).run(), "relay"):
        await eventually(lambda: world.acknowledged == 700)
    assert (world.position, world.holder) == (700, None)
    assert world.saves < world.calls.count("publish") / 5


async def test_a_relay_whose_lease_is_anothers_publishes_nothing_and_saves_nothing(lines: Lines) -> None:
    world = World(holder="another")
    world.append(10)
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: world.calls.count("take") > 3)
        await eventually(lambda: relay.age == 10)

    assert (relay.active, world.topic, world.position, world.opened, lines()) == (False, [], 0, 0, [])


async def test_a_relay_that_is_deposed_steps_down_and_says_so(lines: Lines) -> None:
    world = World()
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: relay.active)
        world.holder = "another"
        await eventually(lambda: relay.interruptions)
        told = len(world.topic)
        world.append(10)
        await eventually(lambda: world.calls[-5:] == ["take"] * 5)

    assert (len(world.topic), relay.active, world.holder) == (told, False, "another")
    assert [line["message"] for line in lines()] == ["the relay is deposed: another is at work"]


async def test_who_slept_asks_for_its_lease_before_it_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.relay._RENEW", 60)
    monkeypatch.setattr("shared.runtime.bus.relay._SURE", 0)
    world = World()
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: relay.active)
        world.holder = "another"
        world.append(1)
        await eventually(lambda: relay.interruptions)

    assert world.topic == []


async def test_what_the_operator_wants_again_is_told_again_and_said(lines: Lines) -> None:
    world = World()
    world.append(40)
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: world.whole)
        world.rewind_to = 10
        await eventually(lambda: len(world.topic) == 70)
        await eventually(lambda: world.whole)

    assert [line["message"] for line in lines()] == ["the relay publishes again"]


@dataclass
class Looking:
    """A watch that is told what to find."""

    world: World
    trouble: str | None = None

    def due(self) -> bool:
        return True

    async def lost(self, *, position: int) -> bool:
        lost, self.world.lost = self.world.lost, False
        return lost


async def test_what_the_topic_lost_is_told_again_from_the_beginning() -> None:
    world = World()
    world.append(40)
    relay = a_relay(world, watch=Looking(world, trouble="the topic is odd"))
    async with background(relay.run(), "relay"):
        await eventually(lambda: world.whole)
        world.topic.clear()
        world.lost = True
        await eventually(lambda: world.topic and world.whole)

    assert (relay.position, relay.trouble) == (40, "the topic is odd")


async def test_a_broker_that_stays_away_is_said_once_in_a_while(lines: Lines) -> None:
    world = World()
    world.append(10)

    @asynccontextmanager
    async def away() -> AsyncIterator[World]:
        world.opened += 1
        if world.opened < 50:
            raise KafkaConnectionError
        yield world

    relay = Relay(log=world, lease=Row(world, "first"), publisher=PUBLISHER, outlet=away)
    async with background(relay.run(), "relay"):
        await eventually(lambda: world.whole)

    assert relay.interruptions == 49
    assert [line["message"] for line in lines()] == ["the relay is interrupted", "the relay goes on"]


async def test_an_event_that_cannot_be_published_is_said_and_waited_for(lines: Lines) -> None:
    world = World()
    world.append(3)
    odd = world.log[1]
    world.log[1] = replace(odd, name="records.counter.unheard-of")
    relay = a_relay(world)
    async with background(relay.run(), "relay"):
        await eventually(lambda: relay.interruptions)
        assert (world.topic, relay.active) == ([], True)
        world.log[1] = odd
        await eventually(lambda: world.whole)

    assert {line["message"] for line in lines()} >= {"the relay cannot publish", "the relay goes on"}
