"""Members of a group with names of their own: one that comes back gets its partitions back, and nobody else notices."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import TopicPartition

from deploy.embedded.broker import Broker
from shared.contracts.envelope import Contract, Envelope
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.kafka import inlets
from shared.runtime.bus.topics import ensure_topics
from shared.runtime.log import Log
from shared.runtime.reports import Reports
from shared.runtime.workers import background
from tests.support.harness import eventually


class Deaf:
    """A listener that hears nothing."""

    def hears(self, type: str) -> bool:
        return False

    def wants(self, envelope: Envelope) -> bool:
        return False

    async def handle(self, contracts: Sequence[Contract]) -> None:
        raise AssertionError(contracts)


@pytest.fixture(params=["development broker", pytest.param("Apache Kafka", marks=pytest.mark.engines)])
async def bootstrap(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "Apache Kafka":
        yield request.getfixturevalue("kafka")
        return
    async with Broker(data=tmp_path) as broker:
        yield broker.bootstrap


async def test_a_member_that_comes_back_gets_its_own_and_the_others_do_not_notice(bootstrap: str, log: Log) -> None:
    group, topic = f"g-{uuid4()}", f"t-{uuid4()}"
    await ensure_topics(bootstrap=bootstrap, names=[topic], replicas=1)
    at_work = partial(_member, bootstrap, group, topic, log)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(at_work("pod-1"))
        async with at_work("pod-0") as first:
            await eventually(lambda: len(held(first)) == len(held(other)) == 6)
            its_own, turn = held(first), other._turn
        async with at_work("pod-0") as back:
            await eventually(lambda: held(back) == its_own)

        assert other._turn == turn
        assert len(held(other)) == 6


@asynccontextmanager
async def _member(bootstrap: str, group: str, topic: str, log: Log, name: str) -> AsyncIterator[Consumer]:
    joins = inlets(bootstrap=bootstrap, instance=name)
    consumer = Consumer(joins, group=group, topics=[topic], listener=Deaf(), parking=Reports(log=log).parking)
    async with background(consumer.run(), name):
        yield consumer


def held(consumer: Consumer) -> Collection[TopicPartition]:
    return frozenset(consumer._inlet.assignment()) if consumer._inlet else frozenset()
