"""OpenTelemetry traces, with ids and names only. Without an exporter nothing is recorded, yet a caller's trace goes on.

The provider is ours and not the process's global one: libraries that trace by themselves would put addresses into it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


@dataclass(slots=True)
class _Tracing:
    """The process's tracer: telemetry is the one thing that everything may reach without being handed it."""

    tracer: Tracer


_tracing = _Tracing(trace.NoOpTracer())


def start_tracing(*, service: str, otlp: str = "", exporter: SpanExporter | None = None) -> Callable[[], None]:
    """Sends the spans of this process to `otlp` (OTLP over HTTP), or to `exporter` at once. Returns how to end it."""
    if not otlp and exporter is None:
        return lambda: None
    provider = TracerProvider(resource=Resource.create({"service.name": f"carelog-{service}"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter) if exporter else BatchSpanProcessor(_to(otlp)))
    _tracing.tracer = provider.get_tracer("carelog")

    def stop() -> None:
        _tracing.tracer = trace.NoOpTracer()
        provider.shutdown()

    return stop


def _to(otlp: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # slow to import, rarely needed

    return OTLPSpanExporter(endpoint=otlp)


def tracing() -> bool:
    """Whether spans are recorded at all: for who makes one for each of many things."""
    return not isinstance(_tracing.tracer, trace.NoOpTracer)


@contextmanager
def span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, **ids: UUID | str | int | None) -> Iterator[trace.Span]:
    """A span of the current trace. `ids` are ids, names and counts, never contents; of an error, its class."""
    attributes = {
        f"carelog.{key}": value if isinstance(value, int) else str(value) for key, value in ids.items() if value
    }
    with _tracing.tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(StatusCode.ERROR)
            current.set_attribute("error.type", type(error).__qualname__)
            raise


def current_traceparent() -> str | None:
    """The current trace as a W3C `traceparent`, to be kept with an event or sent with a message."""
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def current_trace() -> str | None:
    """The id of the current trace, for log lines."""
    here = trace.get_current_span().get_span_context()
    return f"{here.trace_id:032x}" if here.is_valid else None


@contextmanager
def continued_from(traceparent: str | None) -> Iterator[None]:
    """Within, spans belong to the trace that something came with; what is malformed is ignored."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None:
        yield
        return
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
    try:
        yield
    finally:
        context.detach(token)
