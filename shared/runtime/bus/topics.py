"""The topics: what they have to be, what is there, and what to do about it. Kept for ever, for the topic is the log."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

PARTITIONS = 12
MESSAGE_BYTES = 2 * 1024 * 1024
"""more than an event may hold, its envelope and the batch around it"""

_SET_ON_TOPIC = 1
"""where a setting comes from, as Kafka says it: the topic's own, not a default"""

Verdict: TypeAlias = Literal["missing", "different", "wrong", "fine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it has to be."""

    name: str
    partitions: int
    replicas: int

    @property
    def configs(self) -> dict[str, str]:
        """With three replicas, two must have a message before it is acknowledged: one broker may be away or lost."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(MESSAGE_BYTES),
            "min.insync.replicas": str(max(1, self.replicas - 1)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    what: str
    """a setting of the topic; or `partitions`, `replicas`"""
    found: str
    wanted: str
    changeable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do about one topic. `own`: the settings it has of its own, which a change keeps."""

    topic: Topic
    exists: bool = True
    differences: Sequence[Difference] = ()
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """`wrong`: something differs that cannot be changed here; what can be is changed all the same."""
        if not self.exists:
            return "missing"
        if any(not one.changeable for one in self.differences):
            return "wrong"
        return "different" if self.differences else "fine"


def event_topics(names: Iterable[str], *, replicas: int) -> list[Topic]:
    """The topics of logs."""
    return [Topic(name=name, partitions=PARTITIONS, replicas=replicas) for name in names]


def dead_letter_topic(group: str) -> str:
    """The name of the topic that tells what a consumer group has parked."""
    return f"{group}.dlt"


def dead_letter_topics(groups: Iterable[str], *, replicas: int) -> list[Topic]:
    """One partition each: they are to be read by people."""
    return [Topic(name=dead_letter_topic(group), partitions=1, replicas=replicas) for group in groups]


async def topics_plan(*, bootstrap: str, topics: Sequence[Topic]) -> list[Step]:
    """What is to be done, in the order given, without doing it."""
    async with _admin(bootstrap) as admin:
        return await _plan(admin, topics)


async def apply_topics(*, bootstrap: str, steps: Iterable[Step]) -> None:
    """Makes the missing, grows those with too few partitions, changes settings; what cannot be changed is left."""
    async with _admin(bootstrap) as admin:
        await _apply(admin, list(steps))


async def ensure_topics(*, bootstrap: str, names: Iterable[str], replicas: int) -> Sequence[str]:
    """Makes those that are not there, each kept by as many brokers as `replicas` says, and gives those with too few
    partitions the rest: relays say themselves which one they write to, so no key moves. Returns what it changed.
    """
    wanted = sorted(event_topics(names, replicas=replicas), key=lambda topic: topic.name)
    async with _admin(bootstrap) as admin:
        steps = [step for step in _compared(wanted, await _there(admin), {}) if not step.exists or _grows(step)]
        await _apply(admin, steps)
    return [step.topic.name for step in steps]


async def ensure_dead_letter_topics(groups: Iterable[str], *, bootstrap: str, replicas: int) -> None:
    """Makes those that are not there."""
    async with _admin(bootstrap) as admin:
        steps = _compared(dead_letter_topics(groups, replicas=replicas), await _there(admin), {})
        await _apply(admin, [step for step in steps if not step.exists])


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


_Shapes: TypeAlias = Mapping[str, tuple[int, int]]
"""partitions and replicas by topic"""
_Settings: TypeAlias = Mapping[str, Mapping[str, tuple[str, bool]]]
"""each topic's settings, and whether they are its own"""


async def _plan(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[Step]:
    there = await _there(admin)
    return _compared(topics, there, await _settings(admin, [one.name for one in topics if one.name in there]))


async def _there(admin: AIOKafkaAdminClient) -> _Shapes:
    """Asked of all: to ask for one that is missing makes it, where the broker makes topics on first use."""
    described = await admin.describe_topics()
    return {
        one["topic"]: (len(one["partitions"]), min((len(each["replicas"]) for each in one["partitions"]), default=0))
        for one in described
    }


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> _Settings:
    if not names:
        return {}
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for code, _, _, name, entries in answer.resources:
            _raise(code)
            found[name] = {entry[0]: (entry[1], _is_own(answer.API_VERSION, entry[3])) for entry in entries}
    return found


def _is_own(version: int, source: Any) -> bool:
    return not source if version == 0 else bool(source == _SET_ON_TOPIC)


def _compared(topics: Iterable[Topic], there: _Shapes, settings: _Settings) -> list[Step]:
    return [
        _step(one, there[one.name], settings.get(one.name, {})) if one.name in there else Step(topic=one, exists=False)
        for one in topics
    ]


def _step(topic: Topic, shape: tuple[int, int], settings: Mapping[str, tuple[str, bool]]) -> Step:
    partitions, replicas = shape
    differences = [
        *_differs("partitions", partitions, topic.partitions, changeable=partitions < topic.partitions),
        *_differs("replicas", replicas, topic.replicas, changeable=False),
    ]
    for name, wanted in topic.configs.items():
        if name in settings:
            differences += _differs(name, settings[name][0], wanted, changeable=True)
    own = {name: value for name, (value, its_own) in settings.items() if its_own}
    return Step(topic=topic, differences=tuple(differences), own=own)


def _differs(what: str, found: object, wanted: object, *, changeable: bool) -> list[Difference]:
    if str(found) == str(wanted):
        return []
    return [Difference(what=what, found=str(found), wanted=str(wanted), changeable=changeable)]


def _grows(step: Step) -> bool:
    return any(one.what == "partitions" and one.changeable for one in step.differences)


async def _apply(admin: AIOKafkaAdminClient, steps: Sequence[Step]) -> None:
    if missing := [step.topic for step in steps if not step.exists]:
        new = [NewTopic(one.name, one.partitions, one.replicas, topic_configs=one.configs) for one in missing]
        for _, code, *_ in (await admin.create_topics(new)).topic_errors:
            _raise(code)
    if growing := {one.topic.name: NewPartitions(one.topic.partitions) for one in steps if _grows(one)}:
        for _, code, *_ in (await admin.create_partitions(growing)).topic_errors:
            _raise(code)
    if changed := [step for step in steps if any(one.what in step.topic.configs for one in step.differences)]:
        await _configure(admin, changed)


async def _configure(admin: AIOKafkaAdminClient, steps: Sequence[Step]) -> None:
    """Kafka's request sets all of a topic's own settings anew, so those it has are said again."""
    wanted = [
        ConfigResource(ConfigResourceType.TOPIC, one.topic.name, {**one.own, **one.topic.configs}) for one in steps
    ]
    for answer in await admin.alter_configs(wanted):
        for code, *_ in answer.resources:
            _raise(code)


def _raise(code: int) -> None:
    error = for_code(code)
    if code and error is not TopicAlreadyExistsError:
        raise error
