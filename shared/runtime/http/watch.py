"""One span, one log line and one time for each request, by its route's template: no address, query or body (pure ASGI).

Around everything else, so it is also where a fault of ours ends: a 500 with the id of a log line without values.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.http.problems import Problem, Problems
from shared.runtime.telemetry import continued_from, span
from shared.runtime.telemetry.metrics import Record

_log = logging.getLogger("carelog.requests")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Broken(RuntimeError):
    """A fault after the answer had begun: the connection is cut, and the incident's log line says where."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches the requests of `app`; tells what nobody foresaw through `problems`. `took` hears of each time."""

    app: ASGIApp
    problems: Problems
    took: Record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        with continued_from(Headers(scope=scope).get("traceparent")), span(method, kind=SpanKind.SERVER) as current:
            await _Request(self, scope, send, current, method).run(receive)


class _Request:
    """One request on its way."""

    def __init__(self, watch: Watch, scope: Scope, send: Send, current: Span, method: str) -> None:
        self._watch = watch
        self._scope = scope
        self._send = send
        self._span = current
        self._method = method
        self._began = perf_counter()
        self._status = 0

    async def run(self, receive: Receive) -> None:
        try:
            await self._watch.app(self._scope, receive, self._noted)
        except ClientDisconnect:
            self._status = self._status or 499
        except Exception as error:  # noqa: BLE001 - the last place where a fault can be told without its message
            await self._tell(error, receive)
        finally:
            self._conclude()

    async def _noted(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    async def _tell(self, error: Exception, receive: Receive) -> None:
        incident, begun = str(uuid4()), self._status
        self._status = 500
        _log.error("a request failed", extra={"incident": incident, "route": self._route()}, exc_info=error)
        self._span.set_attribute("error.type", type(error).__qualname__)
        if begun:
            raise Broken(incident) from None
        problem = Problem(
            status=500, code="Internal", title="Internal error", detail="Something went wrong here.", incident=incident
        )
        await self._watch.problems.answer(self._scope["path"], problem)(self._scope, receive, self._send)

    def _conclude(self) -> None:
        route = self._route()
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.request.method", self._method)
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", self._status)
        if self._status >= 500:
            self._span.set_status(StatusCode.ERROR)
        self._watch.took(perf_counter() - self._began, self._labels(route))
        _log.log(logging.DEBUG if route.startswith("/health/") else logging.INFO, "request", extra=self._facts(route))

    def _labels(self, route: str) -> dict[str, str]:
        return {
            "http.request.method": self._method,
            "http.route": route,
            "http.response.status_code": str(self._status),
        }

    def _facts(self, route: str) -> dict[str, Any]:
        actor = self._scope.get("state", {}).get("actor")
        return {
            "method": self._method,
            "route": route,
            "status": self._status,
            "milliseconds": round((perf_counter() - self._began) * 1000, 2),
            "organization": actor.organization if actor else None,
            "role": actor.role if actor else None,
        }

    def _route(self) -> str:
        """The template of the door that was found; an address could hold anything."""
        with suppress(AttributeError, KeyError):
            return str(self._scope["route"].path)
        return "unmatched"
