"""The embedded mode: PostgreSQL, the development broker, JSONB, and letters in a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.behaviour import SystemBehaviour
from tests.e2e.mailbox import Outbox
from tests.e2e.setting import whole_system
from tests.e2e.spans import Collector
from tests.support.system import System

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture(scope="module")
def mailbox(home: Path) -> Outbox:
    return Outbox(home / "outbox")


@pytest.fixture(scope="module")
def system(home: Path, collector: Collector, mailbox: Outbox) -> Iterator[System]:
    with whole_system(home=home, collector=collector, mailbox=mailbox) as system:
        yield system


class TestEmbedded(SystemBehaviour):
    CUT_OFF_AFTER = "book"
