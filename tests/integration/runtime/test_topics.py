"""The topics are what they have to be, or are made so; what cannot be changed is said. Over both brokers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.embedded.broker import Broker
from shared.runtime.bus.topics import (
    Difference,
    Step,
    apply_topics,
    dead_letter_topics,
    ensure_topics,
    event_topics,
    topics_plan,
)
from shared.runtime.mandate import fresh_id
from tests.support.harness import eventually


@pytest.fixture(params=["development", "apache"])
async def bootstrap(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "apache":
        yield request.getfixturevalue("kafka")
        return
    async with Broker(data=tmp_path / "broker") as broker:
        yield broker.bootstrap


@pytest.fixture
def name() -> str:
    """A topic that no other test has."""
    return f"carelog.{fresh_id()}.v1"


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    yield client
    await client.close()


async def made_by_hand(bootstrap: str, name: str, *, partitions: int = 12, **configs: str) -> None:
    async with admin(bootstrap) as client:
        settings = {setting.replace("_", "."): value for setting, value in configs.items()}
        await client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
    await eventually(lambda: there(bootstrap, name))


async def planned(bootstrap: str, name: str) -> Step:
    [step] = await topics_plan(bootstrap=bootstrap, topics=event_topics([name], replicas=1))
    return step


async def fine(bootstrap: str, name: str) -> bool:
    return (await planned(bootstrap, name)).verdict == "fine"


async def differs_in(bootstrap: str, name: str, *settings: str) -> bool:
    return {one.what for one in (await planned(bootstrap, name)).differences} == {*settings}


async def there(bootstrap: str, name: str) -> bool:
    async with admin(bootstrap) as client:
        return name in await client.list_topics()


async def test_a_topic_that_is_missing_is_planned_and_made_only_when_applied(bootstrap: str, name: str) -> None:
    step = await planned(bootstrap, name)
    assert (step.verdict, (await planned(bootstrap, name)).verdict) == ("missing", "missing")

    await apply_topics(bootstrap=bootstrap, steps=[step])
    await eventually(lambda: fine(bootstrap, name))
    assert (await planned(bootstrap, name)).own == step.topic.configs


async def test_a_setting_that_differs_is_told_and_changed_and_the_others_stay(bootstrap: str, name: str) -> None:
    await made_by_hand(bootstrap, name, retention_ms="1000", message_timestamp_type="CreateTime")
    step = await planned(bootstrap, name)
    assert step.verdict == "different"
    assert Difference(what="retention.ms", found="1000", wanted="-1") in step.differences

    await apply_topics(bootstrap=bootstrap, steps=[step])
    await eventually(lambda: fine(bootstrap, name))
    assert (await planned(bootstrap, name)).own["message.timestamp.type"] == "CreateTime"


async def test_too_few_partitions_become_enough(bootstrap: str, name: str) -> None:
    await made_by_hand(bootstrap, name, partitions=3)
    step = await planned(bootstrap, name)
    assert step.verdict == "different"

    await apply_topics(bootstrap=bootstrap, steps=[step])
    await eventually(lambda: fine(bootstrap, name))


async def test_too_many_partitions_are_said_and_left(bootstrap: str, name: str) -> None:
    await made_by_hand(bootstrap, name, partitions=13, retention_ms="1000")
    step = await planned(bootstrap, name)
    assert step.verdict == "wrong"
    await apply_topics(bootstrap=bootstrap, steps=[step])

    await eventually(lambda: differs_in(bootstrap, name, "partitions"))
    [left] = (await planned(bootstrap, name)).differences
    assert left == Difference(what="partitions", found="13", wanted="12", changeable=False)


async def test_replicas_that_differ_are_said_and_left(bootstrap: str, name: str) -> None:
    await ensure_topics(bootstrap=bootstrap, names=[name], replicas=1)
    [step] = await topics_plan(bootstrap=bootstrap, topics=event_topics([name], replicas=3))

    assert step.verdict == "wrong"
    assert {one.what for one in step.differences if not one.changeable} == {"replicas"}


async def test_a_process_makes_what_is_missing_and_leaves_settings_alone(bootstrap: str, name: str) -> None:
    await made_by_hand(bootstrap, name, retention_ms="1000")
    assert await ensure_topics(bootstrap=bootstrap, names=[name, f"{name}.other"], replicas=1) == [f"{name}.other"]
    await eventually(lambda: fine(bootstrap, f"{name}.other"))
    assert await ensure_topics(bootstrap=bootstrap, names=[name, f"{name}.other"], replicas=1) == []

    assert await differs_in(bootstrap, name, "retention.ms", "max.message.bytes")


async def test_a_process_gives_a_topic_the_partitions_that_it_lacks(bootstrap: str, name: str) -> None:
    await made_by_hand(bootstrap, name, partitions=1, retention_ms="1000")
    assert await ensure_topics(bootstrap=bootstrap, names=[name], replicas=1) == [name]

    await eventually(lambda: differs_in(bootstrap, name, "retention.ms", "max.message.bytes"))


async def test_dead_letters_have_one_partition_and_are_kept_for_ever(bootstrap: str, name: str) -> None:
    [topic] = dead_letter_topics([name], replicas=1)
    await apply_topics(bootstrap=bootstrap, steps=await topics_plan(bootstrap=bootstrap, topics=[topic]))
    assert (topic.name, topic.partitions) == (f"{name}.dlt", 1)

    await eventually(lambda: there(bootstrap, topic.name))
    [step] = await topics_plan(bootstrap=bootstrap, topics=[topic])
    assert step.verdict == "fine"
    assert (step.own["retention.ms"], step.own["retention.bytes"]) == ("-1", "-1")


async def test_what_is_changed_on_the_development_broker_outlives_it(tmp_path: Path) -> None:
    async with Broker(data=tmp_path) as broker:
        await made_by_hand(broker.bootstrap, "events", retention_ms="1000")
        await apply_topics(bootstrap=broker.bootstrap, steps=[await planned(broker.bootstrap, "events")])
    async with Broker(data=tmp_path) as broker:
        assert (await planned(broker.bootstrap, "events")).verdict == "fine"


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [(ConfigResourceType.TOPIC, "nobody", "1", 3), (ConfigResourceType.TOPIC, "events", "much", 40),
     (ConfigResourceType.BROKER, "1", "1", 42)],
)  # fmt: skip
async def test_the_development_broker_refuses_settings_it_cannot_keep(
    tmp_path: Path, kind: Any, name: str, value: str, code: int
) -> None:
    async with Broker(data=tmp_path) as broker, admin(broker.bootstrap) as client:
        await made_by_hand(broker.bootstrap, "events")
        answers = await client.alter_configs([ConfigResource(kind, name, {"max.message.bytes": value})])

    assert code in [answer.resources[0][0] for answer in answers if answer.resources]
