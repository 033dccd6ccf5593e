"""One world for each test, and somebody who may write and read in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.runtime.http.world import World, a_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path)


@pytest.fixture
async def ann(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A clinician of North Clinic."""
    async with world.client() as client:
        yield client
