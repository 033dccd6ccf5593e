"""One world for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.scheduling.world import World, a_world


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(database=database, home=tmp_path) as made:
        yield made
