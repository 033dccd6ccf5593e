"""The topics there are, in memory as in the file, and for each partition the offset its next record will get."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.storage.committer import Committer

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_MOST_PARTITIONS = 1000


@dataclass(eq=False, slots=True)
class Partition:
    """`high_watermark` is what readers may see; it follows the commits, never runs ahead of them."""

    topic_id: int
    index: int
    high_watermark: int = 0
    _readers: set[asyncio.Event] = field(default_factory=set)

    def advance(self, *, end_offset: int) -> None:
        self.high_watermark = max(self.high_watermark, end_offset)
        for appended in self._readers:
            appended.set()

    def wake_on_append(self, appended: asyncio.Event) -> None:
        self._readers.add(appended)

    def forget(self, appended: asyncio.Event) -> None:
        self._readers.discard(appended)


@dataclass(eq=False, slots=True)
class Topic:
    topic_id: int
    name: str
    partitions: list[Partition]
    configs: Mapping[str, str]


class Topics:
    def __init__(self, *, committer: Committer, stored: Iterable[Topic]) -> None:
        self._committer = committer
        self._by_name = {topic.name: topic for topic in stored}

    def all(self) -> list[Topic]:
        return sorted(self._by_name.values(), key=lambda topic: topic.name)

    def find(self, *, name: str) -> Topic | None:
        return self._by_name.get(name)

    def partition(self, *, topic: str, index: int) -> Partition | None:
        found = self._by_name.get(topic)
        return found.partitions[index] if found and 0 <= index < len(found.partitions) else None

    def refuse_unless_creatable(self, *, name: str, partitions: int) -> None:
        if not _LEGAL_NAME.fullmatch(name) or name in {".", ".."}:
            raise Refused(ErrorCode.INVALID_TOPIC_EXCEPTION, "a topic is named by 1 to 249 of a-z, A-Z, 0-9, . _ -")
        if name in self._by_name:
            raise Refused(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name} already exists")
        _refuse_partition_count(partitions)

    async def create(self, *, name: str, partitions: int, configs: Mapping[str, str]) -> None:
        def insert(connection: sqlite3.Connection) -> Topic:
            (producer_id,) = connection.execute("SELECT max(producer_id) + 1 FROM producer").fetchone()
            row = (name, partitions, json.dumps(configs), producer_id)
            try:
                statement = "INSERT INTO topic (name, partitions, configs, first_producer_id) VALUES (?, ?, ?, ?)"
                topic_id = connection.execute(statement, row).lastrowid
            except sqlite3.IntegrityError as error:
                raise Refused(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name} already exists") from error
            return Topic(topic_id or 0, name, _partitions(topic_id or 0, partitions), configs)

        self.refuse_unless_creatable(name=name, partitions=partitions)
        await self._committer.submit(work=insert, then=self._add)

    async def create_if_absent(self, *, name: str, partitions: int) -> None:
        try:
            await self.create(name=name, partitions=partitions, configs={})
        except Refused as refused:
            if refused.code is not ErrorCode.TOPIC_ALREADY_EXISTS:
                raise

    async def delete(self, *, name: str) -> None:
        """Batches, producers' sequences and committed offsets go with it."""

        def delete(connection: sqlite3.Connection) -> str:
            if not connection.execute("DELETE FROM topic WHERE name = ?", (name,)).rowcount:
                raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            return name

        await self._committer.submit(work=delete, then=self._remove)

    def refuse_unless_there(self, *, name: str) -> Topic:
        topic = self._by_name.get(name)
        if topic is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return topic

    async def configure(self, *, name: str, configs: Mapping[str, str]) -> None:
        """These are all settings of its own from now on."""

        def update(connection: sqlite3.Connection) -> Mapping[str, str]:
            connection.execute("UPDATE topic SET configs = ? WHERE name = ?", (json.dumps(configs), name))
            return configs

        def settle(configs: Mapping[str, str]) -> None:
            topic.configs = configs

        topic = self.refuse_unless_there(name=name)
        await self._committer.submit(work=update, then=settle)

    def refuse_unless_growable(self, *, name: str, partitions: int) -> Topic:
        topic = self.refuse_unless_there(name=name)
        _refuse_partition_count(partitions)
        if partitions <= len(topic.partitions):
            raise Refused(ErrorCode.INVALID_PARTITIONS, f"topic {name} already has {len(topic.partitions)} partitions")
        return topic

    async def grow(self, *, name: str, partitions: int) -> None:
        def update(connection: sqlite3.Connection) -> int:
            connection.execute("UPDATE topic SET partitions = max(partitions, ?) WHERE name = ?", (partitions, name))
            return partitions

        def add(partitions: int) -> None:
            topic.partitions += _partitions(topic.topic_id, partitions)[len(topic.partitions) :]

        topic = self.refuse_unless_growable(name=name, partitions=partitions)
        await self._committer.submit(work=update, then=add)

    def _add(self, topic: Topic) -> None:
        self._by_name[topic.name] = topic

    def _remove(self, name: str) -> None:
        self._by_name.pop(name, None)


def stored_topics(*, connection: sqlite3.Connection) -> list[Topic]:
    topics = [
        Topic(topic_id, name, _partitions(topic_id, partitions), json.loads(configs))
        for topic_id, name, partitions, configs in connection.execute(
            "SELECT topic_id, name, partitions, configs FROM topic"
        ).fetchall()
    ]
    for partition in (partition for topic in topics for partition in topic.partitions):
        partition.high_watermark = end_offset(connection=connection, partition=partition)
    return topics


def end_offset(*, connection: sqlite3.Connection, partition: Partition) -> int:
    """One above the last offset there is; the unique index makes this one look-up."""
    statement = "SELECT max(last_offset) FROM batch WHERE topic_id = ? AND partition = ?"
    (last,) = connection.execute(statement, (partition.topic_id, partition.index)).fetchone()
    return 0 if last is None else int(last) + 1


def _partitions(topic_id: int, count: int) -> list[Partition]:
    return [Partition(topic_id, index) for index in range(count)]


def _refuse_partition_count(count: int) -> None:
    if not 1 <= count <= _MOST_PARTITIONS:
        raise Refused(ErrorCode.INVALID_PARTITIONS, f"a topic has 1 to {_MOST_PARTITIONS} partitions here")
