"""Fixtures of every suite: real engines, once per run and shared by its workers, and the real data beside the tree."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.support.engines import choice
from tests.support.engines.engine import Engine, EngineUnavailable, skip_or_fail
from tests.support.engines.postgres import Postgres, fresh_database

# How long an example takes says more of the machine than of the code.
settings.register_profile("carelog", deadline=None)
settings.load_profile("carelog")

_RUN = "CARELOG_TEST_RUN"
_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run makes the folder of its engines; parallel workers inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[_RUN] = tempfile.mkdtemp(prefix="carelog-test-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (run := os.environ.pop(_RUN, None)):
        try:
            choice.stop_all(run=Path(run))
        finally:
            shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="session")
def engines_home() -> Path:
    """The folder in which this run's engines live."""
    return Path(os.environ[_RUN])


@pytest.fixture(scope="session")
def postgres(engines_home: Path) -> Postgres:
    return choice.postgres(run=engines_home)


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The DSN of an empty database for this test alone."""
    async with fresh_database(server=postgres) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def kafka(engines_home: Path) -> Iterator[str]:
    """The bootstrap address of Apache Kafka."""
    yield from _running(choice.kafka(run=engines_home))


@pytest.fixture(scope="session")
def mongodb(engines_home: Path) -> Iterator[str]:
    """The URL of a server that speaks MongoDB's protocol."""
    yield from _running(choice.mongodb(run=engines_home))


@pytest.fixture
def mongo_database() -> str:
    """A database name that no other test uses."""
    return f"test_{uuid4().hex}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inputs that nobody here wrote; they lie beside the project, not in it."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("the folder shared/data beside the project is not there")
    return _SHARED_DATA


def _running(engine: Engine) -> Iterator[str]:
    try:
        engine.start()
    except EngineUnavailable as unavailable:
        skip_or_fail(reason=str(unavailable))
    yield engine.address
