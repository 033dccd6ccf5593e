"""Traces that go from a request to the last document, and log lines that hold nothing but what is allowed."""

import asyncio
import json
import logging
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.runtime.telemetry import continued_from, current_traceparent, span
from tests.unit.runtime.conftest import Lines

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_goes_on_from_what_was_kept_with_an_event(spans: InMemorySpanExporter) -> None:
    with span("command", aggregate=UUID(int=1)):
        kept = current_traceparent()
    with continued_from(kept), span("projection"):
        pass
    command, projection = spans.get_finished_spans()
    assert command.context
    assert projection.context
    assert projection.parent
    assert projection.context.trace_id == command.context.trace_id
    assert projection.parent.span_id == command.context.span_id


def test_outside_a_trace_there_is_no_traceparent(spans: InMemorySpanExporter) -> None:
    assert current_traceparent() is None
    with continued_from(None):
        assert current_traceparent() is None


def test_without_an_exporter_a_trace_still_passes_through() -> None:
    with span("nothing"):
        assert current_traceparent() is None
    with continued_from(PARENT), span("nothing"):
        assert current_traceparent() == PARENT


async def test_two_tasks_have_their_own_traces(spans: InMemorySpanExporter) -> None:
    async def one(n: int) -> str | None:
        with continued_from(f"00-{n:032x}-b7ad6b7169203331-01"), span("work"):
            await asyncio.sleep(0)
            return current_traceparent()

    first, second = await asyncio.gather(one(1), one(2))
    assert first
    assert second
    assert first[3:35] != second[3:35]


def test_a_span_tells_an_error_by_its_class(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), span("work", patient=None, version=3):
        raise ValueError("CANARY")
    [work] = spans.get_finished_spans()
    assert dict(work.attributes or {}) == {"carelog.version": 3, "error.type": "ValueError"}
    assert not work.status.is_ok
    assert "CANARY" not in work.to_json()


def test_a_line_holds_allowed_fields_alone(lines: Lines) -> None:
    extra = {"aggregate": UUID(int=1), "name_of_patient": "CANARY", "position": 7}
    logging.getLogger("carelog.test").warning("stored", extra=extra)
    [line] = lines()
    assert line.pop("time")
    assert line == {
        "level": "WARNING", "service": "world", "logger": "carelog.test", "message": "stored",
        "aggregate": str(UUID(int=1)), "position": 7,
    }  # fmt: skip


def test_an_argument_of_a_message_is_shown_where_it_is_a_number_or_an_id(lines: Lines) -> None:
    logging.getLogger("aiokafka").warning("%s of %s at %d", "CANARY", UUID(int=1), 7)
    assert lines()[0]["message"] == f"? of {UUID(int=1)} at 7"


def test_a_finished_text_of_another_library_is_told_by_its_place(lines: Lines) -> None:
    logging.getLogger("faststream").error(f"ValueError: {'CANARY'}")  # noqa: G004
    logging.getLogger("asyncio").error("%(a)s", {"a": "CANARY"})
    assert [line["message"].startswith("(test_telemetry:") for line in lines()] == [True, True]


def test_an_exception_is_its_classes_and_places(lines: Lines) -> None:
    def broken() -> None:
        raise ValueError("CANARY")

    try:
        try:
            broken()
        except ValueError as cause:
            raise RuntimeError("CANARY") from cause
    except RuntimeError:
        logging.getLogger("services.records").exception("a thing failed")
    [line] = lines()
    assert line["error"] == "RuntimeError < ValueError"
    assert all(place.startswith("tests/unit/runtime/test_telemetry.py:") for place in line["frames"])
    assert "CANARY" not in json.dumps(line)


def test_a_line_break_does_not_forge_a_line(lines: Lines) -> None:
    logging.getLogger("carelog").warning("a\nb", extra={"topic": "x\n{}"})
    assert len(lines()) == 1


def test_the_access_log_is_off(lines: Lines) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s %s"', "1.2.3.4", "GET", "/patients/CANARY")
    assert lines() == []
