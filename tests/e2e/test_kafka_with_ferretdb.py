"""Apache Kafka with a MongoDB-protocol server, and letters by SMTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.behaviour import SystemBehaviour
from tests.e2e.mailbox import MailServer, mail_server
from tests.e2e.setting import whole_system
from tests.e2e.spans import Collector
from tests.support.engines import choice
from tests.support.system import System

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kafka-with-ferretdb")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[MailServer]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def system(home: Path, collector: Collector, mailbox: MailServer) -> Iterator[System]:
    making = whole_system(home=home, collector=collector, mailbox=mailbox, kafka=choice.kafka, documents=choice.mongodb)
    with making as system:
        yield system


class TestKafkaWithFerretDB(SystemBehaviour):
    CUT_OFF_AFTER = "pay"
