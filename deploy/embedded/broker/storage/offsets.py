"""Committed offsets and producer ids: the two small things that must not be forgotten either."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deploy.embedded.broker.storage.committer import Committer
from deploy.embedded.broker.storage.log import Log


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    next_offset: int
    metadata: str | None


class CommittedOffsets:
    """Per consumer group, keyed by (topic id, partition)."""

    def __init__(self, *, committer: Committer, log: Log) -> None:
        self._committer = committer
        self._log = log

    async def commit(self, *, group_id: str, offsets: Mapping[tuple[int, int], CommittedOffset]) -> None:
        """Offsets of topics which are gone meanwhile go with them."""
        statement = (
            "INSERT INTO committed_offset SELECT ?, topic_id, ?, ?, ? FROM topic WHERE topic_id = ?"
            " ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset, metadata = excluded.metadata"
        )
        rows = [
            (group_id, partition, offset.next_offset, offset.metadata, topic_id)
            for (topic_id, partition), offset in offsets.items()
        ]
        await self._committer.submit(work=lambda connection: connection.executemany(statement, rows).rowcount)

    async def of_group(self, *, group_id: str) -> dict[tuple[int, int], CommittedOffset]:
        statement = "SELECT topic_id, partition, next_offset, metadata FROM committed_offset WHERE group_id = ?"
        rows = await self._log.query(lambda connection: connection.execute(statement, (group_id,)).fetchall())
        return {
            (topic_id, partition): CommittedOffset(next_offset, metadata)
            for topic_id, partition, next_offset, metadata in rows
        }

    async def groups(self) -> Iterable[str]:
        statement = "SELECT DISTINCT group_id FROM committed_offset"
        rows = await self._log.query(lambda connection: connection.execute(statement).fetchall())
        return [group_id for (group_id,) in rows]

    async def delete_group(self, *, group_id: str) -> bool:
        """Whether there was anything to delete."""
        statement = "DELETE FROM committed_offset WHERE group_id = ?"
        deleted = self._committer.submit(work=lambda connection: connection.execute(statement, (group_id,)).rowcount)
        return await deleted > 0


class ProducerIds:
    def __init__(self, *, committer: Committer) -> None:
        self._committer = committer

    async def next(self) -> int:
        """Never given twice, not even across a crash."""
        statement = "INSERT INTO producer DEFAULT VALUES"
        producer_id = await self._committer.submit(work=lambda connection: connection.execute(statement).lastrowid)
        return producer_id or 0
