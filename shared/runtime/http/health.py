"""Whether the process is alive and ready, how it fares, what its doors are: the four questions that need no token."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shared.runtime.http.answers import Answer, answer
from shared.runtime.http.doors import doors, open_to_all
from shared.runtime.http.site import site
from shared.runtime.telemetry.metrics import MEDIA_TYPE

_PATIENCE = 2.0

health = doors(tag="health")


@health.get("/health/live")
@open_to_all("a supervisor asks it; it tells nothing but names of checks")
async def live(request: Request) -> Answer:
    """Whether the process makes progress. 503: restart it."""
    return await _judged(site(request).runtime.alive())


@health.get("/health/ready")
@open_to_all("a load balancer asks it; it tells nothing but names of checks")
async def ready(request: Request) -> Answer:
    """Whether commands and queries can be answered now. 503: send them elsewhere."""
    return await _judged(site(request).runtime.ready())


@health.get("/metrics", include_in_schema=False)
@open_to_all("Prometheus asks it; it tells counts and times, by names of routes and of consumer groups")
async def metrics(request: Request) -> Response:
    """The process's metrics in Prometheus' text form."""
    return Response(site(request).runtime.metrics.exposition(), media_type=MEDIA_TYPE)


@health.get("/openapi.json", include_in_schema=False)
@open_to_all("it describes the doors, not what is behind them")
async def openapi(request: Request) -> Any:
    return answer(request.app.openapi())


async def _judged(checks: Awaitable[Mapping[str, str | None]]) -> Answer:
    try:
        async with asyncio.timeout(_PATIENCE):
            failing = sorted(name for name, trouble in (await checks).items() if trouble)
    except TimeoutError:
        failing = ["timeout"]
    except Exception as broken:  # noqa: BLE001 - a check that cannot be made has failed
        failing = [type(broken).__name__]
    return answer({"status": "failing" if failing else "ok", "failing": failing}, status=503 if failing else 200)
