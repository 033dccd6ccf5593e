"""Log lines as JSON, one a record, of allowed fields only: a message's fixed text, ids and names, never a value.

An exception is its class and the places in our own code that it passed; its message may hold anything.
"""

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from shared.runtime.json import dumps
from shared.runtime.telemetry.tracing import current_trace

ALLOWED = frozenset(
    {
        "action", "aggregate", "attempt", "batch", "check", "command", "consumer", "contract", "count",
        "document", "error", "event", "frames", "generation", "group", "incident", "kind", "lag", "method",
        "milliseconds", "offset", "organization", "partition", "phase", "port", "position", "projection",
        "rate", "reaction", "role", "route", "service", "signal", "status", "timer", "topic", "trace",
        "version", "worker",
    }
)  # fmt: skip
"""what `extra` may add to a line; anything else is dropped"""

_OURS = ("shared", "services", "deploy", "carelog", "__main__")
_QUIET = ("aiokafka", "asyncio", "faststream", "httpx", "httpcore", "kafka", "pymongo", "opentelemetry")
_FRAMES = 12


def log_as_json(*, service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Makes this process log JSON to `stream` (standard error). uvicorn's access log is off: it shows addresses."""
    lines = logging.StreamHandler(stream)
    lines.setFormatter(AllowedFields(service))
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(level)
    for name in [*logging.root.manager.loggerDict]:
        if name.split(".")[0] in ("uvicorn", *_QUIET):  # some bring a handler of their own, which would show messages
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class AllowedFields(logging.Formatter):
    """One line of JSON for each record. A line of somebody else's library is told by its template or its place."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": _message(record),
        }
        if trace := current_trace():
            line["trace"] = trace
        line |= {name: value for name, value in vars(record).items() if name in ALLOWED and value is not None}
        if record.exc_info and record.exc_info[1]:
            line |= told(record.exc_info[1])
        return dumps({name: _plain(value) for name, value in line.items()}).decode()


def told(error: BaseException) -> dict[str, Any]:
    """An exception without its message: its class, its causes' classes, and where in our code it passed."""
    causes, cause = [error], error.__cause__ or error.__context__
    while cause and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    return {
        "error": " < ".join(_named(one) for one in causes),
        "frames": [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]],
    }


def _named(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _message(record: logging.LogRecord) -> str:
    """The fixed text. Numbers and ids are filled in; any other argument could be anybody's value: `?`."""
    ours = record.name.split(".")[0] in _OURS or record.name.startswith("uvicorn")
    if not record.args:
        return str(record.msg) if ours else f"({record.module}:{record.lineno})"
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return f"({record.module}:{record.lineno})"
    try:
        return record.msg % tuple(one if isinstance(one, int | float | UUID) else "?" for one in record.args)
    except (TypeError, ValueError):
        return record.msg


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _is_ours(filename: str) -> bool:
    return not {"site-packages", "dist-packages"} & set(Path(filename).parts) and _place(filename) != ""


def _place(filename: str) -> str:
    """The path inside the project; empty for what is not ours."""
    parts = Path(filename).parts
    first = next((at for at, part in enumerate(parts) if part in ("shared", "services", "deploy", "tests")), None)
    return "/".join(parts[first:]) if first is not None else ""
