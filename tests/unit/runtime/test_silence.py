"""A quiet topic is waited at; a client that is lost is told from it, and only then."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from shared.runtime.bus.silence import Silence
from shared.runtime.bus.wire import Inlet

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


@dataclass
class Given:
    """An inlet as its client knows it; `lost`: it does not know where its group stands."""

    ends: dict[TopicPartition, int] = field(default_factory=lambda: {FIRST: 3, SECOND: 3})
    positions: dict[TopicPartition, int] = field(default_factory=lambda: {FIRST: 3, SECOND: 3})
    resting: set[TopicPartition] = field(default_factory=set)
    lost: bool = False
    looks: int = 0

    def assignment(self) -> Collection[TopicPartition]:
        return self.positions.keys()

    def paused(self) -> Collection[TopicPartition]:
        return self.resting

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.looks += 1
        return {one: self.ends[one] for one in partitions}

    async def position(self, partition: TopicPartition) -> int:
        if self.lost:
            await asyncio.Event().wait()
        return self.positions[partition]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    monkeypatch.setattr("shared.runtime.bus.silence._LOOK", 0.0)
    return Given()


def silence_of(given: Given) -> Silence:
    return Silence(cast(Inlet, given))


async def test_a_quiet_topic_is_waited_at(given: Given) -> None:
    silence = silence_of(given)
    for _ in range(3):
        await silence.kept()

    assert given.looks == 3


async def test_the_broker_is_asked_now_and_then_only(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.silence._LOOK", 1_000.0)
    silence = silence_of(given)
    for _ in range(3):
        await silence.kept()

    assert given.looks == 0


async def test_what_is_there_and_does_not_come_between_two_looks_never_will(given: Given) -> None:
    silence = silence_of(given)
    given.ends[SECOND] = 5
    await silence.kept()
    with pytest.raises(KafkaTimeoutError):
        await silence.kept()


async def test_what_came_in_the_meantime_shows_that_more_will(given: Given) -> None:
    silence = silence_of(given)
    for _ in range(3):
        given.ends[SECOND] += 1
        await silence.kept()
        given.positions[SECOND] = given.ends[SECOND]
        silence.broken()


async def test_a_partition_that_moves_is_no_stuck_one(given: Given) -> None:
    silence = silence_of(given)
    for _ in range(3):
        given.ends[SECOND] += 1
        await silence.kept()
        given.positions[SECOND] += 1


async def test_a_paused_partition_is_not_expected_to_give_anything(given: Given) -> None:
    silence = silence_of(given)
    given.ends[SECOND] = 5
    given.resting.add(SECOND)
    for _ in range(3):
        await silence.kept()


async def test_a_client_that_does_not_learn_where_its_group_stands_is_not_waited_for(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.bus.silence._PATIENCE", 0.02)
    given.lost = True
    with pytest.raises(KafkaTimeoutError):
        await silence_of(given).kept()


async def test_a_member_without_partitions_asks_for_nothing(given: Given) -> None:
    given.positions.clear()
    silence = silence_of(given)
    for _ in range(3):
        await silence.kept()

    assert given.looks == 0


async def test_a_rebalance_may_take_its_time_and_not_for_ever(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    silence = silence_of(given)
    silence.in_rebalance()
    monkeypatch.setattr("shared.runtime.bus.silence._REBALANCE", 0.01)
    await asyncio.sleep(0.02)
    with pytest.raises(KafkaTimeoutError):
        silence.in_rebalance()
