"""What operators would see: the spans and the log lines of a test."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.runtime.telemetry import log_as_json, start_tracing

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that were ended."""
    exporter = InMemorySpanExporter()
    stop = start_tracing(service="world", exporter=exporter)
    yield exporter
    stop()


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log lines of this process, as they would be written."""
    stream, root, access = io.StringIO(), logging.getLogger(), logging.getLogger("uvicorn.access")
    handlers, level = list(root.handlers), root.level
    log_as_json(service="world", level="DEBUG", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], access.disabled = handlers, False
    root.setLevel(level)
