"""A service's process, `python -m services.<name> [api|relay|worker|all]`: reads the settings, runs, stops cleanly."""

import asyncio
import gc
import logging
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from itertools import chain, repeat
from typing import Any, get_args
from typing import Literal as Choice

import uvicorn
import uvloop

from shared.kernel import Unavailable
from shared.runtime.bus.topics import ensure_topics
from shared.runtime.http.app import build_app
from shared.runtime.log.sessions import AWAY
from shared.runtime.runtime import TOPICS, Runtime
from shared.runtime.service import Service
from shared.runtime.serving import Server
from shared.runtime.signals import announce
from shared.runtime.telemetry import log_as_json, start_tracing
from shared.runtime.workers import background

Role = Choice["api", "relay", "worker", "all"]
_PAUSE = 1.0
_PAUSES = (0.2, 0.5, 1.0, 2.0)
"""seconds between two tries of the start"""
_PATIENCE = 100.0
"""seconds for the start: less than a startup probe's two minutes"""
_LOG = logging.getLogger(__name__)


def main(service: Service, arguments: Sequence[str] | None = None) -> None:
    """Runs until SIGTERM or SIGINT. Exits with 2 for an unknown role, with a message for missing settings."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["all"]
    if given[0] not in get_args(Role):
        sys.exit(2)
    settings = service.settings.read()
    log_as_json(service=service.name, level=settings.log_level)
    stop_tracing = start_tracing(service=service.name, otlp=settings.otlp)
    try:
        uvloop.run(_run(Runtime(service=service, settings=settings), given[0]))
    finally:
        stop_tracing()


async def _run(runtime: Runtime, role: str) -> None:
    await started(runtime)
    announce(runtime)
    _leave_alone_what_stays()
    try:
        async with AsyncExitStack() as stack:
            for name, work in _background(runtime, role):
                runtime.background[name] = await stack.enter_async_context(background(work, name))
            await _serve(runtime, whole=role in ("api", "all"))
    finally:
        await runtime.stop()


async def started(runtime: Runtime) -> None:
    """Stores that are away are waited for. Whoever ends at once instead is started again ever more seldom, and comes
    minutes after its database. Raises what kept it from starting where that lasts.
    """
    give_up = asyncio.get_running_loop().time() + _PATIENCE
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        try:
            await runtime.start()
            return
        except (Unavailable, *AWAY) as away:
            wrong = isinstance(away, ValueError)  # asyncpg's word for an address that is none
            if wrong or asyncio.get_running_loop().time() + pause > give_up:
                raise
            _LOG.warning("the start waits for a store that is away", extra={"error": type(away).__name__})
        await asyncio.sleep(pause)


def _leave_alone_what_stays() -> None:
    """What the start made stays for good: the collector need not look at it again, nor run every 700 objects, where one
    Bundle makes hundreds of thousands.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _background(runtime: Runtime, role: str) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    roles = {"all": ("relay", "worker")}.get(role, (role,))
    works: list[tuple[str, Coroutine[Any, Any, None]]] = [("pulse", runtime.pulse.run())]
    if "relay" in roles:
        works.append(("relay", _with_topics(runtime, runtime.make_relay().run())))
    if "worker" in roles:
        works.append(("standing", runtime.standing.run()))
        works.append(("worker", _with_topics(runtime, runtime.make_workers().run())))
    return works


async def _with_topics(runtime: Runtime, work: Coroutine[Any, Any, None]) -> None:
    """The broker may come later than we do: nothing but the topics waits for it."""
    try:
        while True:
            try:
                settings = runtime.settings
                await ensure_topics(bootstrap=settings.kafka, names=TOPICS, replicas=settings.kafka_replicas)
                break
            except Exception as error:  # noqa: BLE001 - the client raises all kinds while a broker starts
                _LOG.warning("the topics cannot be made yet", extra={"error": type(error).__name__})
                await asyncio.sleep(_PAUSE)
        await work
    finally:
        work.close()


async def _serve(runtime: Runtime, *, whole: bool) -> None:
    """Serves until a signal. A relay or worker alone serves its health."""
    app = build_app(runtime.service, runtime, whole=whole)
    settings = runtime.settings
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=10,
        lifespan="off",
    )
    await Server(config).serve()
