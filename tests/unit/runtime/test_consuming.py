"""A consumer over an inlet of the tests: applied before committed, set aside before committed, never overtaken."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError

from shared.contracts.catalogue import contracts
from shared.contracts.envelope import Contract, Envelope, to_headers
from shared.kernel import Unavailable, named_id
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.parking import Aside, Standing
from shared.runtime.bus.wire import Partitions, Record
from shared.runtime.json import dumps
from shared.runtime.workers import background
from tests.support.counters import CounterCounted, CounterOpened
from tests.support.harness import eventually
from tests.support.running import said

TOPIC = "carelog.records.v1"
FIRST, SECOND = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


def opened(name: str, version: int = 1) -> Contract:
    fact = CounterOpened(limit=1) if version == 1 else CounterCounted(by=1)
    return said(fact, subject=named_id(name), organization="north", patient=None, version=version)


def ids(*events: Contract) -> list[str]:
    return [one.envelope.id for one in events]


@dataclass
class Topic:
    """Two partitions, and what the group has committed; members are given both, one after the other."""

    records: dict[TopicPartition, list[Record]] = field(default_factory=lambda: {FIRST: [], SECOND: []})
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    """what happened, in order"""
    mute: bool = False
    """the next commit is never answered"""
    deaf: bool = False
    """the next member's client is given nothing and does not say so"""

    def say(self, *events: Contract, at: TopicPartition = FIRST) -> None:
        for one in events:
            self.put(dumps(one), to_headers(one.envelope), key=one.envelope.key, at=at)

    def put(self, value: bytes, headers: Sequence[tuple[str, bytes]], *, key: str, at: TopicPartition = FIRST) -> None:
        place = (at.topic, at.partition, len(self.records[at]))
        record: Any = ConsumerRecord(*place, 0, 0, key.encode(), value, None, 0, 0, tuple(headers))
        self.records[at].append(record)

    @asynccontextmanager
    async def joined(self, *, group: str, topics: Sequence[str], listener: Any) -> AsyncIterator["Member"]:
        member = Member(self, listener, deaf=self.deaf)
        self.deaf = False
        await member.assigned()
        yield member


class Member:
    """An inlet."""

    def __init__(self, topic: Topic, listener: Any, *, deaf: bool) -> None:
        self._topic = topic
        self._listener = listener
        self._deaf = deaf
        self.positions: dict[TopicPartition, int] = {}
        self.fenced = False

    async def assigned(self) -> None:
        self.positions = {one: self._topic.committed.get(one, 0) for one in self._topic.records}
        await self._listener.on_partitions_assigned(set(self.positions))

    async def rebalanced(self) -> None:
        """As aiokafka does it: everything is given back, and given out anew from what is committed."""
        await self._listener.on_partitions_revoked(set(self.positions))
        self._topic.story.append("rebalance")
        await self.assigned()

    def assignment(self) -> Collection[TopicPartition]:
        return self.positions.keys()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    def highwater(self, partition: TopicPartition) -> int:
        return len(self._topic.records[partition])

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Partitions:
        await asyncio.sleep(0.002)
        if self._deaf:
            return {}
        found = {one: self._topic.records[one][at:] for one, at in self.positions.items()}
        self.positions |= {one: self.highwater(one) for one in self.positions}
        return {one: records for one, records in found.items() if records}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._topic.mute:
            self._topic.mute = False
            await asyncio.Event().wait()
        if self.fenced:
            raise CommitFailedError
        self._topic.story.append("commit")
        self._topic.committed |= offsets

    async def committed(self, partition: TopicPartition) -> int | None:
        return self._topic.committed.get(partition)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {one: len(self._topic.records.get(one, ())) for one in partitions}

    def paused(self) -> Collection[TopicPartition]:
        return ()

    def pause(self, *partitions: TopicPartition) -> None: ...

    def resume(self, *partitions: TopicPartition) -> None: ...


@dataclass
class Aways:
    """What is set aside, kept in memory; it may be away."""

    story: list[str]
    kept: dict[tuple[TopicPartition, int], tuple[Aside, bool]] = field(default_factory=dict)
    away: bool = False

    def _here(self) -> None:
        if self.away:
            raise Unavailable

    async def standing(self, consumer: str) -> Sequence[Standing]:
        self._here()
        found: dict[tuple[TopicPartition, Any], Standing] = {}
        for (partition, _), (aside, wanted) in self.kept.items():
            one = found.get((partition, aside.source), Standing(partition, aside.source, 0, wanted=False))
            found[partition, aside.source] = replace(one, messages=one.messages + 1, wanted=one.wanted or wanted)
        return [*found.values()]

    async def park(self, consumer: str, messages: Sequence[Aside]) -> None:
        self._here()
        self.story.append("park")
        for one in messages:
            self.kept.setdefault(_place(one.record), (one, False))

    async def replaying(self, consumer: str, one: Standing, *, limit: int) -> Sequence[Record]:
        places = sorted(
            at for at, (aside, _) in self.kept.items() if (at[0], aside.source) == (one.partition, one.source)
        )
        return [self.kept[at][0].record for at in places[:limit]]

    async def release(self, consumer: str, records: Sequence[Record]) -> None:
        for record in records:
            del self.kept[_place(record)]

    async def refused(self, consumer: str, one: Standing, messages: Sequence[Aside]) -> None:
        self.want(False)
        self.kept |= {_place(aside.record): (aside, False) for aside in messages}

    def want(self, wanted: bool) -> None:
        self.kept = {at: (aside, wanted) for at, (aside, _) in self.kept.items()}

    @property
    def errors(self) -> list[str]:
        return [self.kept[at][0].error.split(" | ")[0] for at in sorted(self.kept)]


def _place(record: Record) -> tuple[TopicPartition, int]:
    return TopicPartition(record.topic, record.partition), record.offset


@dataclass
class Applied:
    """A listener. `broken`: the events it cannot apply; `gate`: closed, it works on and on."""

    story: list[str]
    broken: set[str] = field(default_factory=set)
    away: bool = False
    ids: list[str] = field(default_factory=list)
    calls: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, type: str) -> bool:
        return True

    def wants(self, envelope: Envelope) -> bool:
        return True

    async def handle(self, contracts: Sequence[Contract]) -> None:
        self.calls += 1
        self.story.append("apply")
        await self.gate.wait()
        if self.away:
            raise Unavailable
        if self.broken & set(ids(*contracts)):
            raise ValueError
        self.ids += ids(*contracts)


@dataclass
class World:
    topic: Topic
    parking: Aways
    applied: Applied

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[Consumer]:
        consumer = Consumer(
            self.topic.joined, group="g", topics=[TOPIC], listener=self.applied, parking=self.parking, every=0.1
        )
        async with background(consumer.run(), "consumer"):
            yield consumer

    def done(self, messages: int) -> bool:
        return sum(self.topic.committed.values()) == messages


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    known = {**contracts(), CounterOpened.TYPE: CounterOpened, CounterCounted.TYPE: CounterCounted}
    monkeypatch.setattr("shared.runtime.bus.listening.catalogue", lambda: known)
    monkeypatch.setattr("shared.runtime.bus.handling._LOOK", 0.01)
    monkeypatch.setattr("shared.runtime.bus.consumer._PAUSES", (0.01,) * 6)
    topic = Topic()
    found = World(topic, Aways(topic.story), Applied(topic.story))
    found.applied.gate.set()
    return found


def member(consumer: Consumer) -> Member:
    assert isinstance(consumer._inlet, Member)
    return consumer._inlet


async def test_what_comes_is_applied_and_then_committed(world: World) -> None:
    world.topic.say(*(opened("a", n) for n in range(1, 6)))
    async with world.consuming() as consumer:
        await eventually(lambda: world.done(5))
        await eventually(lambda: consumer.lag == 0)

    assert world.topic.story == ["apply", "commit"]
    assert (consumer.applied, consumer.batches, consumer.parked) == (5, 1, 0)


async def test_what_cannot_be_applied_is_set_aside_and_then_committed(world: World) -> None:
    world.applied.broken = set(ids(opened("a", 2)))
    world.topic.say(opened("a"), opened("a", 2), opened("a", 3), opened("b"))
    async with world.consuming():
        await eventually(lambda: world.done(4))

    assert world.topic.story[-2:] == ["park", "commit"]
    assert sorted(world.applied.ids) == sorted(ids(opened("a"), opened("b")))
    assert world.parking.errors == ["ValueError", "Behind"]


async def test_nothing_is_committed_while_it_can_neither_be_applied_nor_set_aside(world: World) -> None:
    world.applied.broken = set(ids(opened("a")))
    world.topic.say(opened("a"), opened("b"))
    async with world.consuming():
        await eventually(lambda: world.applied.ids)
        world.parking.away = True
        world.topic.say(opened("c"))
        calls = world.applied.calls
        world.applied.broken |= set(ids(opened("c")))
        assert not await _comes_true(lambda: world.done(3))
        world.parking.away = False
        await eventually(lambda: world.done(3))

    assert world.applied.calls >= calls
    assert world.parking.errors == ["ValueError", "ValueError"]


async def _comes_true(condition: Any, *, turns: int = 50) -> bool:
    """Within so many turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0.002)
        if condition():
            return True
    return False


async def test_what_another_process_set_aside_is_not_overtaken_here(world: World) -> None:
    world.applied.broken = set(ids(opened("a")))
    world.topic.say(opened("a"))
    async with world.consuming():
        await eventually(lambda: world.done(1))
    world.applied.broken = set()
    world.topic.say(opened("a", 2))
    async with world.consuming():
        await eventually(lambda: world.done(2))

    assert world.applied.ids == []
    assert world.parking.errors == ["ValueError", "Behind"]


async def test_what_is_set_aside_elsewhere_during_a_rebalance_is_looked_at_before_anything_is_applied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.handling._LOOK", 1_000.0)
    async with world.consuming() as consumer:
        await eventually(lambda: consumer._inlet)
        world.topic.say(opened("z"))
        await eventually(lambda: world.done(1))
        world.topic.say(opened("a"))
        record = world.topic.records[FIRST].pop()
        await world.parking.park("g", [Aside(record, named_id("a"), "ValueError")])
        await member(consumer).rebalanced()
        world.topic.say(opened("a", 2))
        await eventually(lambda: world.done(2))

    assert world.applied.ids == ids(opened("z"))


async def test_wanted_again_it_is_applied_in_order_before_what_comes_next(world: World) -> None:
    stream = [opened("a", n) for n in range(1, 7)]
    world.applied.broken = set(ids(stream[0]))
    world.topic.say(*stream[:4])
    async with world.consuming():
        await eventually(lambda: world.done(4))
        world.applied.broken = set()
        world.parking.want(True)
        world.topic.say(*stream[4:])
        await eventually(lambda: world.done(6) and not world.parking.kept)

    assert world.applied.ids == ids(*stream)


async def test_a_rebalance_waits_for_what_is_in_hand(world: World) -> None:
    world.applied.gate.clear()
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(lambda: world.applied.calls)
        async with background(member(consumer).rebalanced(), "rebalance"):
            assert not await _comes_true(lambda: "rebalance" in world.topic.story)
            world.applied.gate.set()
            await eventually(lambda: "rebalance" in world.topic.story)

    assert world.topic.story == ["apply", "commit", "rebalance"]


async def test_small_batches_share_a_commit(world: World) -> None:
    async with world.consuming() as consumer:
        for version in range(1, 31):
            world.topic.say(opened("a", version))
            await eventually(lambda version=version: consumer.applied == version)  # type: ignore[misc]
        await eventually(lambda: world.done(30))

    assert world.topic.story.count("apply") == 30
    assert world.topic.story.count("commit") < 10


async def test_a_commit_that_nobody_answers_is_said_by_another_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.consumer._COMMIT", 0.05)
    world.topic.mute = True
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(lambda: consumer._inlet)
        first = consumer._inlet
        await eventually(lambda: world.done(1))
        assert consumer._inlet is not first


async def test_a_client_that_is_given_nothing_while_there_is_something_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.silence._LOOK", 0.02)
    world.topic.deaf = True
    world.topic.say(opened("a"))
    async with world.consuming():
        await eventually(lambda: world.done(1))


async def test_what_is_applied_is_committed_before_the_partitions_go_elsewhere(world: World) -> None:
    async with world.consuming() as consumer:
        consumer.every = 60.0
        for version in (1, 2):
            world.topic.say(opened("a", version))
            await eventually(lambda version=version: consumer.applied == version)  # type: ignore[misc]
        assert world.done(1)  # the first goes at once
        await member(consumer).rebalanced()
        assert world.done(2)
        world.topic.say(opened("a", 3))
        await eventually(lambda: consumer.applied == 3)
    assert world.done(3)
    assert world.applied.ids == ids(*(opened("a", version) for version in (1, 2, 3)))


async def test_a_consumer_that_leaves_does_not_turn_in_a_circle(world: World) -> None:
    """Found by the simulation: a commit that was due let it ask for messages without a pause."""
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(lambda: world.done(1))
        consumer._uncommitted = {FIRST: 1}
        consumer.every = 0.0
        consumer._leaving = True
        assert consumer._idle_ms() > 0


async def test_what_takes_longer_than_a_rebalance_waits_is_dropped_and_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.consumer._FINISH", 0.01)
    world.applied.gate.clear()
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(lambda: world.applied.calls)
        await member(consumer).rebalanced()
        world.applied.gate.set()
        await eventually(lambda: world.done(1))

    assert world.topic.story == ["apply", "rebalance", "apply", "commit"]


async def test_a_member_that_is_not_one_any_more_commits_nothing_and_goes_on(world: World) -> None:
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(lambda: world.done(1))
        member(consumer).fenced = True
        world.topic.say(opened("a", 2))
        await eventually(lambda: len(world.applied.ids) == 2)
        assert world.done(1)
        member(consumer).fenced = False
        await member(consumer).rebalanced()
        await eventually(lambda: world.done(2))


async def test_many_that_cannot_be_applied_cost_the_others_little(world: World) -> None:
    bad = [opened(f"bad-{n}") for n in range(20)]
    good = [opened(f"good-{n}") for n in range(480)]
    world.applied.broken = set(ids(*bad))
    world.topic.say(*(one for n in range(20) for one in (bad[n], *good[n * 24 : n * 24 + 24])))
    async with world.consuming() as consumer:
        await eventually(lambda: world.done(500))

    assert sorted(world.applied.ids) == sorted(ids(*good))
    assert consumer.retries == 2
    assert world.applied.calls < 500


async def test_while_it_waits_it_makes_progress_and_its_lag_is_the_age_of_what_waits(world: World) -> None:
    world.applied.away = True
    old = opened("a")
    recorded = datetime.now(UTC) - timedelta(minutes=5)
    world.topic.say(old.model_copy().within(replace(old.envelope, recordedtime=recorded)))
    async with world.consuming() as consumer:
        await eventually(lambda: world.applied.calls > 2)
        before = consumer.progress_at
        await eventually(lambda: consumer.progress_at > before)
        assert 300 <= consumer.lag < 400
        world.applied.away = False
        await eventually(partial(world.done, 1))
        await eventually(lambda: consumer.lag == 0)


async def test_a_listener_that_hangs_makes_no_progress(world: World) -> None:
    world.topic.say(opened("a"))
    async with world.consuming() as consumer:
        await eventually(partial(world.done, 1))
        world.applied.gate.clear()
        world.topic.say(opened("a", 2))
        await eventually(lambda: world.applied.calls == 2)
        before = consumer.progress_at
        assert not await _comes_true(lambda: consumer.progress_at > before)
