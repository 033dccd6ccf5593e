"""Documents in MongoDB, a collection for each of ours. No transactions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from pymongo import AsyncMongoClient, InsertOne, UpdateMany
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConnectionFailure, DuplicateKeyError, PyMongoError

from shared.kernel.errors import Unavailable
from shared.runtime.documents.mongodb.filters import all_of, beyond, order
from shared.runtime.documents.mongodb.rows import Json, document_of, indexes_of, row_of
from shared.runtime.documents.port import Collection, Document, Query, Term, Write
from shared.runtime.documents.values import (
    asked,
    checked,
    checked_name,
    clean,
    distinct,
    findable,
    in_order,
    terms,
)

_ALIASES = "_aliases"  # begins with an underscore, which no collection does
_DUPLICATE = 11000


class MongoDocuments:
    """The port over one database. Each call is bounded by the client's own `timeoutMS`."""

    def __init__(self, client: AsyncMongoClient[Json], *, database: str) -> None:
        self._client = client
        self._database = client.get_database(database)

    @classmethod
    async def open(cls, *, url: str, database: str, patience: float = 10.0) -> Self:
        """Writes are acknowledged by the majority; `patience` in seconds, for a call with all its retries."""
        return cls(AsyncMongoClient(url, w="majority", timeoutMS=int(patience * 1000)), database=database)

    async def prepare(self, collection: Collection) -> None:
        with _answering():
            for index in indexes_of(checked(collection)):  # one by one: FerretDB falls over several that are there
                await self._of(collection).create_indexes([index])

    async def drop(self, name: str) -> None:
        with _answering():
            await self._database.drop_collection(checked_name(name))

    async def read(self, collection: Collection, ids: Iterable[str]) -> dict[str, Document]:
        found = await self._found(collection, {"_id": {"$in": findable(ids)}})
        return {document.id: document for document in found}

    async def write(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        """Not one transaction, nor need it be: each write is guarded by itself."""
        ordered = in_order(writes)
        lost = await self._insert(collection, [write.document for write in ordered if write.base is None])
        return lost | await self._replace(collection, [write for write in ordered if write.base is not None])

    async def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        await self._insert(collection, distinct(documents))

    async def get(self, collection: Collection, id: str) -> Document | None:
        found = (await self.read(collection, [id])).get(id)
        return found if found and found.visible else None

    async def find(self, collection: Collection, query: Query) -> Sequence[Document]:
        query = asked(collection, query)
        condition = all_of(collection, query.where, *beyond(query))
        return await self._found(collection, condition, order(query), query.limit) if query.limit > 0 else []

    async def count(self, collection: Collection, where: Sequence[Term]) -> int:
        with _answering():
            return await self._of(collection).count_documents(all_of(collection, terms(collection, where)))

    async def scan(self, collection: Collection, *, after: str, limit: int) -> Sequence[Document]:
        condition = {"_id": {"$gt": clean(after)}}
        return await self._found(collection, condition, [("_id", 1)], limit) if limit > 0 else []

    async def aliases(self) -> Mapping[str, str]:
        with _answering():
            rows = await self._database[_ALIASES].find().to_list()
        return {row["_id"]: row["name"] for row in rows}

    async def point(self, alias: str, name: str) -> None:
        row = {"_id": checked_name(alias), "name": checked_name(name)}
        with _answering():
            try:
                await self._database[_ALIASES].replace_one({"_id": alias}, row, upsert=True)
            except DuplicateKeyError:  # another made it at the same moment: now it is there to be replaced
                await self._database[_ALIASES].replace_one({"_id": alias}, row, upsert=True)

    async def close(self) -> None:
        await self._client.close()

    def _of(self, collection: Collection) -> AsyncCollection[Json]:
        return self._database[checked_name(collection.name)]

    async def _found(
        self, collection: Collection, condition: Json, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Document]:
        with _answering():
            rows = await self._of(collection).find(condition, sort=sort or None, limit=limit).to_list()
        return [document_of(collection, row) for row in rows]

    async def _insert(self, collection: Collection, documents: Sequence[Document]) -> set[str]:
        """The ids of those that were there already."""
        rows = [row_of(collection, document) for document in documents]
        try:
            with _answering():
                if rows:
                    await self._of(collection).bulk_write([InsertOne(row) for row in rows], ordered=False)
        except BulkWriteError as refused:
            return {documents[index].id for index in _duplicates(refused)}
        return set()

    async def _replace(self, collection: Collection, writes: Sequence[Write]) -> set[str]:
        """The ids of those that were not at their base any more."""
        if not writes:
            return set()
        replaces = [_guarded(write.base, row_of(collection, write.document)) for write in writes]
        with _answering():
            done = await self._of(collection).bulk_write(replaces, ordered=False)
        if done.matched_count == len(writes):
            return set()
        return await self._others(collection, [write.document for write in writes])

    async def _others(self, collection: Collection, documents: Sequence[Document]) -> set[str]:
        """Which of these are not what is stored now.

        A server says how many replaces found nothing, not which. The revision alone does not tell either: two writers
        may have come to the same one from different events. One that won and was overwritten at once counts as lost:
        it is folded again, and finds its events there.
        """
        there = await self._found(collection, {"_id": {"$in": [document.id for document in documents]}})
        stored = {document.id: document for document in there}
        return {mine.id for mine in documents if not _same(mine, stored.get(mine.id))}


def _same(mine: Document, stored: Document | None) -> bool:
    return stored is not None and (mine.revision, mine.sources, mine.body, mine.visible) == (
        stored.revision,
        stored.sources,
        stored.body,
        stored.visible,
    )


def _guarded(base: int | None, row: Json) -> UpdateMany:
    """Everything of the one document with this id is replaced, where it is still at its base.

    A ReplaceOne would say the same, but FerretDB keeps a connection to its own store for each one of a batch until the
    batch has ended, has fifty, and with as many replaces waits for itself for ever.
    """
    return UpdateMany({"_id": row.pop("_id"), "revision": base}, {"$set": row})


def _duplicates(refused: BulkWriteError) -> list[int]:
    """The places in the batch of those whose id was taken. Any other refusal is raised as it is."""
    errors = refused.details["writeErrors"]
    if refused.details["writeConcernErrors"]:
        raise Unavailable("the document store could not make a write durable") from refused
    if any(error["code"] != _DUPLICATE for error in errors):
        raise refused
    return [error["index"] for error in errors]


@contextmanager
def _answering() -> Iterator[None]:
    """What another moment may mend is `Unavailable`; a mistake of ours stays what it is."""
    try:
        yield
    except PyMongoError as gone:
        if not (isinstance(gone, ConnectionFailure) or gone.timeout or gone.has_error_label("RetryableWriteError")):
            raise
        raise Unavailable(f"the document store does not answer ({type(gone).__name__})") from gone
