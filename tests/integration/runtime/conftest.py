"""A bus for each test, and a world in which the counters' contracts are known."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.contracts.catalogue import contracts
from shared.runtime.log import Log
from shared.runtime.telemetry import start_tracing
from tests.integration.runtime.asking import Known
from tests.support import counters
from tests.support.harness import Bus, a_bus, working
from tests.support.running import Running

OURS = {one.TYPE: one for one in (counters.CounterOpened, counters.CounterCounted)}
Work = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture(autouse=True)
def known_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.listening.catalogue", lambda: {**contracts(), **OURS})


@pytest.fixture(autouse=True)
def quiet_clients() -> Iterator[None]:
    """Their complaints about a broker that is going away would bury what a test says."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    async with a_bus(tmp_path / "broker") as bus:
        yield bus


@pytest.fixture
def work(database: str, bus: Bus, tmp_path: Path) -> Work:
    """The counters, working: `async with work() as running`."""

    def start(*roles: str, **more: Any) -> AbstractAsyncContextManager[Running]:
        chosen = {"roles": roles} if roles else {}
        return working(counters.service, database=database, bus=bus, home=tmp_path, **chosen, **more)

    return start


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that were ended."""
    exporter = InMemorySpanExporter()
    stop = start_tracing(service="counters", exporter=exporter)
    yield exporter
    stop()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def log(database: str, known: Known) -> AsyncIterator[Log]:
    log = Log(dsn=database, nearness=known)
    await log.start()
    yield log
    await log.stop()


@pytest.fixture
async def other(database: str, known: Known) -> AsyncIterator[Log]:
    """Another process of the same service."""
    log = Log(dsn=database, nearness=known)
    await log.start()
    yield log
    await log.stop()
