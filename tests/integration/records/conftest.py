"""Records running: no bus, documents when the test says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.records.service import service
from tests.integration.records.clinic import Clinic
from tests.support.running import running

BODY_LIMIT = 256 * 1024


@pytest.fixture
async def clinic(database: str, tmp_path: Path) -> AsyncIterator[Clinic]:
    """North Clinic at its records; a body may have 256 KiB."""
    async with running(service, database=database, home=tmp_path, body_limit=BODY_LIMIT) as made:
        yield Clinic(made)
