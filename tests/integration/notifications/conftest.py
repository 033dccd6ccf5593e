"""Notifications running, with a folder for its letters and a patient whom two organisations know."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.notifications.service import service
from tests.integration.notifications.known import NORTH, registered
from tests.support.running import Running, running


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "letters"


@pytest.fixture
async def notifications(database: str, tmp_path: Path, letters: Path) -> AsyncIterator[Running]:
    async with running(service, database=database, home=tmp_path, channel=f"folder:{letters}") as made:
        await made.heard(registered(NORTH))
        yield made
