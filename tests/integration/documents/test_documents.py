"""Both stores and their specification in memory, held to one behaviour."""

from collections.abc import AsyncIterator

import pytest

from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.postgres import PostgresDocuments
from tests.integration.documents.behaviour import DocumentsBehaviour


class TestMemory(DocumentsBehaviour):
    @pytest.fixture
    async def documents(self) -> MemoryDocuments:
        return MemoryDocuments()


@pytest.mark.engines
class TestPostgres(DocumentsBehaviour):
    @pytest.fixture
    async def documents(self, database: str) -> AsyncIterator[PostgresDocuments]:
        store = await PostgresDocuments.open(dsn=database)
        yield store
        await store.close()
