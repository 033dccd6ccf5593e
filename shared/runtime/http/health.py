"""Whether the process is alive and ready, and what its doors are: the three questions that need no token."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.requests import Request

from shared.runtime.http.answers import Answer, answer
from shared.runtime.http.doors import doors, open_to_all
from shared.runtime.http.site import site

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
