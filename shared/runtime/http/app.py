"""A service's doors as one ASGI application. Starting and stopping what is behind them is the caller's."""

from typing import Any

from fastapi import FastAPI
from starlette.types import Lifespan

from shared.runtime.http.answers import Answer
from shared.runtime.http.callers import Callers
from shared.runtime.http.doors import every_route_has_an_action
from shared.runtime.http.feed import feed
from shared.runtime.http.health import health
from shared.runtime.http.keys import Keys
from shared.runtime.http.limits import BodyLimit
from shared.runtime.http.problems import MEDIA_TYPE, Problems
from shared.runtime.http.site import Running, Site
from shared.runtime.http.watch import Watch
from shared.runtime.service import Service

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("name", "message", "code")},
            },
        },
    },
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
}


def build_app(
    service: Service, runtime: Running, *, whole: bool = True, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """The application of one service, or its health alone. Raises `Unguarded` where a route has no action."""
    app = FastAPI(
        title=service.title,
        openapi_url=None,  # `health` serves it: every route is a door
        default_response_class=Answer,
        responses=_RESPONSES,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # FastAPI's own would show addresses and errors
        lifespan=lifespan,
    )
    settings = runtime.settings
    callers = Callers(issuer=settings.issuer, audience=settings.audience, keys=Keys(settings.issuer_keys))
    app.state.site = Site(runtime, callers)
    for router in (*service.routers, feed, health) if whole else (health,):
        app.include_router(router)
    problems = Problems(service.errors)
    problems.register(app)
    app.add_middleware(BodyLimit, limit=settings.body_limit)
    took = runtime.metrics.times("http.server.request.duration", says="How long requests take, by route and status.")
    app.add_middleware(Watch, problems=problems, took=took)
    every_route_has_an_action(app)
    return app
