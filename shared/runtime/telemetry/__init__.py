"""What operators see: traces that cross the log and the topic, and logs of allowed fields. Never a payload."""

from shared.runtime.telemetry.logs import log_as_json
from shared.runtime.telemetry.tracing import (
    continued_from,
    current_trace,
    current_traceparent,
    span,
    start_tracing,
    tracing,
)

__all__ = ["continued_from", "current_trace", "current_traceparent", "log_as_json", "span", "start_tracing", "tracing"]
