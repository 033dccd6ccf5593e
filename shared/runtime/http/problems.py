"""Every no, as `application/problem+json` (RFC 9457), without anything that was submitted.

A service may show the errors under a path prefix in another form (`Service.errors`: `/fhir` as OperationOutcome).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.kernel import CarelogError, Field, Invalid, Unavailable
from shared.runtime.json import dumps
from shared.runtime.wording import broken_rules

MEDIA_TYPE = "application/problem+json"


class Malformed(CarelogError):
    """The request cannot be read."""

    status = 400
    title = "Malformed request"


class Unauthenticated(CarelogError):
    """A valid bearer token is needed."""

    status = 401
    title = "Not authenticated"

    def __init__(self, detail: str = "", *, challenge: str = 'Bearer realm="carelog"') -> None:
        super().__init__(detail)
        self.challenge = challenge


class TooSlow(CarelogError):
    """The request's body did not arrive in time."""

    status = 408
    title = "Request timeout"


class Unsupported(CarelogError):
    """The body must be JSON."""

    status = 415
    title = "Unsupported media type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error as its caller sees it. `incident` names the log line of a fault of ours."""

    status: int
    code: str
    title: str
    detail: str
    fields: tuple[Field, ...] = ()
    incident: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """A stable name for this kind of problem: `urn:carelog:problem:slot-taken`."""
        return "urn:carelog:problem:" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.code).lower()


Render = Callable[[Problem], Response]


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is told as. What is not a known refusal is told as nothing but a fault of ours."""
    match error:
        case CarelogError():
            return Problem(
                status=error.status,
                code=error.code,
                title=error.title,
                detail=error.detail,
                fields=tuple(error.fields) if isinstance(error, Invalid) else (),
                headers=_headers_of(error),
            )
        case RequestValidationError():
            return problem_of(Invalid(*broken_rules(error.errors())))
        case HTTPException():
            return _of_routing(error)
        case _:
            return Problem(status=500, code="Internal", title="Internal error", detail="Something went wrong here.")


def _headers_of(error: CarelogError) -> Mapping[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": error.challenge}
        case Unavailable():
            return {"Retry-After": "1"}
        case _ if error.status in (408, 413):
            return {"Connection": "close"}  # the rest of the body is not read
        case _:
            return {}


def _of_routing(error: HTTPException) -> Problem:
    """No such door, or not with this method. `detail` is not ours, so it is not shown."""
    status = HTTPStatus(error.status_code)
    code = status.phrase.title().replace(" ", "").replace("-", "")
    return Problem(
        status=status, code=code, title=status.phrase, detail=status.description, headers=error.headers or {}
    )


def as_json(problem: Problem) -> Response:
    """The problem as RFC 9457 writes it."""
    content: dict[str, object] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.fields:
        content["fields"] = [{"name": f.name, "message": f.message, "code": f.code} for f in problem.fields]
    if problem.incident:
        content["instance"] = f"urn:uuid:{problem.incident}"
    return Response(dumps(content), problem.status, problem.headers, MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Problems:
    """Shows problems: as JSON, or in the form that the service has for what is under a path."""

    renders: Mapping[str, Render] = field(default_factory=dict)

    def answer(self, path: str, problem: Problem) -> Response:
        return next((render for prefix, render in self.renders.items() if _under(path, prefix)), as_json)(problem)

    def register(self, app: FastAPI) -> None:
        async def told(request: Request, error: Exception) -> Response:
            return self.answer(request.url.path, problem_of(error))

        for kind in (CarelogError, RequestValidationError, HTTPException):
            app.add_exception_handler(kind, told)


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
