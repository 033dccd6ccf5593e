"""What went wrong, as FHIR clients read it (FHIR R4, OperationOutcome): fields and rules, never a value."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from shared.kernel import CarelogError, Field, Invalid
from shared.runtime.http.problems import Problem
from shared.runtime.json import dumps

MEDIA_TYPE = "application/fhir+json"

_BY_STATUS: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}
_ISSUE_TYPES = frozenset(
    {
        *_BY_STATUS.values(),
        *("business-rule", "code-invalid", "duplicate", "exception", "invariant"),
        *("required", "structure", "too-costly", "value"),
    }
)
"""Those codes of FHIR's issue-type that are used here."""


def rendered(problem: Problem) -> Response:
    """A problem as the FHIR door shows it, in the place of problem+json."""
    shown = (
        of_fields(fields=problem.fields) if problem.fields else of_status(status=problem.status, detail=problem.detail)
    )
    return Response(dumps(shown), problem.status, problem.headers, MEDIA_TYPE)


def outcome(*, error: CarelogError) -> dict[str, Any]:
    """The outcome of a refused request: an issue for each field that is wrong, or one for the whole."""
    if isinstance(error, Invalid) and error.fields:
        return of_fields(fields=error.fields)
    return of_status(status=error.status, detail=error.detail)


def of_fields(*, fields: Sequence[Field]) -> dict[str, Any]:
    """One issue a field; its name is an expression into what was sent, or a parameter's name."""
    return _outcome([{**_issue(_code(field.code), field.message), "expression": [field.name]} for field in fields])


def of_status(*, status: int, detail: str) -> dict[str, Any]:
    """One issue for an HTTP status, with what the caller can do."""
    return _outcome([_issue(_BY_STATUS.get(status, "exception"), detail)])


def informed(*, detail: str) -> dict[str, Any]:
    """That all is well, for answers that have nothing else to say."""
    return _outcome([{"severity": "information", "code": "informational", "diagnostics": detail}])


def _code(code: str) -> str:
    return code if code in _ISSUE_TYPES else "invalid"


def _issue(code: str, diagnostics: str) -> dict[str, Any]:
    return {"severity": "error", "code": code, "diagnostics": diagnostics}


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}
