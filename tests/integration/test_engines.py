"""The engines that tests and drills rely on: each starts, answers, stops, and keeps its data when it is killed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded.postgres import LocalPostgres
from tests.support.engines.engine import EngineUnavailable, skip_or_fail
from tests.support.engines.ferretdb import NativeFerretDB
from tests.support.engines.kafka import NativeKafka
from tests.support.engines.native import NativeEngine, is_open
from tests.support.engines.process import alive

pytestmark = [pytest.mark.engines, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    yield from running(NativeKafka(home=tmp_path_factory.mktemp("kafka")))


@pytest.fixture(scope="module")
def own_ferretdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeFerretDB]:
    home = tmp_path_factory.mktemp("ferretdb")
    store = LocalPostgres(home=home / "postgres")
    yield from running(NativeFerretDB(home=home / "server", store=store))
    store.stop()


async def test_apache_kafka_gives_back_what_it_acknowledged(kafka: str) -> None:
    await make_topic(kafka, "round-trip")
    await publish(kafka, "round-trip", b"said")
    assert await first_message(kafka, "round-trip") == b"said"


def test_the_mongodb_server_gives_back_what_it_acknowledged(mongodb: str, mongo_database: str) -> None:
    with pymongo.MongoClient[dict[str, object]](mongodb) as client:
        notes = client[mongo_database]["notes"]
        notes.insert_one({"_id": "a", "said": 1})
        assert notes.find_one({"_id": "a"}) == {"_id": "a", "said": 1}


def test_a_killed_kafka_keeps_its_address_and_its_data(own_kafka: NativeKafka) -> None:
    asyncio.run(make_topic(own_kafka.address, "kept"))
    asyncio.run(publish(own_kafka.address, "kept", b"for ever"))
    kill_and_start(own_kafka)
    assert asyncio.run(first_message(own_kafka.address, "kept")) == b"for ever"


def test_a_killed_ferretdb_keeps_its_address_and_its_data(own_ferretdb: NativeFerretDB) -> None:
    def notes() -> "pymongo.collection.Collection[dict[str, object]]":
        return pymongo.MongoClient[dict[str, object]](own_ferretdb.address)["drill"]["notes"]

    notes().insert_one({"_id": "kept"})
    kill_and_start(own_ferretdb)
    assert notes().find_one({"_id": "kept"}) == {"_id": "kept"}


@pytest.mark.parametrize("name", ["own_kafka", "own_ferretdb"])
def test_stopping_an_engine_ends_its_process_and_frees_its_port(name: str, request: pytest.FixtureRequest) -> None:
    engine: NativeEngine = request.getfixturevalue(name)
    pid = engine.pid
    assert pid is not None
    engine.stop()
    assert not alive(pid=pid)
    assert not is_open(port=port(engine))
    engine.start()
    assert is_open(port=port(engine))


def test_whoever_knows_the_home_shares_the_engine(own_kafka: NativeKafka) -> None:
    other = NativeKafka(home=own_kafka.home)
    other.start()
    assert (other.pid, other.address) == (own_kafka.pid, own_kafka.address)


def running(engine: Any) -> Iterator[Any]:
    try:
        engine.start()
    except EngineUnavailable as unavailable:
        skip_or_fail(reason=str(unavailable))
    yield engine
    engine.stop()


def kill_and_start(engine: NativeEngine) -> None:
    before = (engine.pid, engine.address)
    engine.kill()
    assert engine.pid is None
    engine.start()
    assert engine.address == before[1]
    assert engine.pid != before[0]


def port(engine: NativeEngine) -> int:
    return int(engine.address.rstrip("/").rpartition(":")[2])


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def publish(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def first_message(bootstrap: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        message = await asyncio.wait_for(consumer.getone(), timeout=30)
        value: bytes | None = message.value
        return value
