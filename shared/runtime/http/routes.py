"""A route that knows its caller before it reads the body, reads the body strictly, and writes decimals as they are."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import wraps
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from shared.runtime.http.answers import Answer, answer
from shared.runtime.http.content import Submitted
from shared.runtime.http.problems import Malformed
from shared.runtime.http.site import site

Endpoint = Callable[..., Awaitable[Any]]


class Door(APIRoute):
    """A route that knows its caller before it reads the body, and reads the body strictly.

    What its function returns is written by `shared.runtime.json`, so that decimals keep their digits.
    """

    def __init__(self, path: str, endpoint: Endpoint, **settings: Any) -> None:
        super().__init__(path, _answering(endpoint, settings.get("status_code") or 200), **settings)
        if parameters := [_parameter(*header) for one in self.dependant.dependencies for header in _headers(one.call)]:
            self.openapi_extra = {**(self.openapi_extra or {}), "parameters": parameters}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def admitted(request: Request) -> Response:
            request = Submitted(request.scope, request.receive)
            _check_address(request)
            if not is_open(self.endpoint):
                request.state.actor = await site(request).callers.actor(request.headers.getlist("authorization"))
            if self.body_field:
                await request.json()
            response = await handle(request)
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return admitted


def doors(*, tag: str, prefix: str = "") -> APIRouter:
    """A router for a service's `api.py`."""
    return APIRouter(route_class=Door, prefix=prefix, tags=[tag], default_response_class=Answer)


def open_to_all(because: str) -> Callable[[Endpoint], Endpoint]:
    """Marks a door that needs no token, with the reason. Stands below the route's decorator."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["open_because"] = because
        return endpoint

    return mark


def is_open(endpoint: Any) -> bool:
    return hasattr(endpoint, "open_because")


def _headers(dependency: Any) -> Iterable[tuple[str, str]]:
    """The headers that a dependency reads itself, each with what it is for."""
    found: Mapping[str, str] = getattr(dependency, "headers", {})
    return found.items()


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _check_address(request: Request) -> None:
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise Malformed("The address holds the character U+0000.")


def _answering(endpoint: Endpoint, status: int) -> Endpoint:
    if not inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__} must be async: a thread for each request is not what we have")

    @wraps(endpoint)
    async def answered(*args: Any, **named: Any) -> Response:
        said = await endpoint(*args, **named)
        return said if isinstance(said, Response) else answer(said, status=status)

    return answered
