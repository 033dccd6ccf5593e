"""Starts the system of a set-up for its tests, and stops it after them; skips what cannot be had here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.home import Home
from tests.e2e.mailbox import Mailbox
from tests.e2e.spans import Collector
from tests.support.engines.engine import Engine, EngineUnavailable, skip_or_fail
from tests.support.system import System

Make = Callable[..., Engine]


@contextmanager
def whole_system(
    *, home: Path, collector: Collector, mailbox: Mailbox, kafka: Make | None = None, documents: Make | None = None
) -> Iterator[System]:
    """Engines are made in the home, for this system alone: topics and databases have the names they always have."""
    told = {"CARELOG_OTLP": collector.address, **({"CARELOG_CHANNEL": mailbox.channel} if mailbox.channel else {})}
    system = System(
        home=Home(home),
        kafka=kafka(run=home) if kafka else None,
        documents=documents(run=home) if documents else None,
        told=told,
    )
    try:
        system.start()
    except EngineUnavailable as unavailable:
        skip_or_fail(reason=str(unavailable))
    try:
        yield system
    finally:
        system.stop()
