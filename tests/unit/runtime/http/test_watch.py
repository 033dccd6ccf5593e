"""What operators see of a request: one span and one line by the route's template, and no value of anybody."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.runtime.conftest import Lines
from tests.unit.runtime.http.world import CANARY, World

TRACE = "0af7651916cd43dd8448eb211c80319c"


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_is_one_span_named_by_its_route(ann: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await ann.get(f"/notes/{uuid4()}?name={CANARY}", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    [span] = spans.get_finished_spans()
    assert span.name == "GET /notes/{id}"
    assert span.context
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert attributes(span) == {
        "http.request.method": "GET", "http.route": "/notes/{id}", "http.response.status_code": 200,
    }  # fmt: skip


async def test_a_traceparent_that_is_none_begins_a_new_trace(
    ann: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    for wrong in ("x", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{TRACE}-b7ad6b7169203331-01", CANARY):
        await ann.get(f"/notes/{uuid4()}", headers={"traceparent": wrong})
    assert {span.parent for span in spans.get_finished_spans()} == {None}


@pytest.mark.parametrize("how", ["fault", "refused"])
async def test_no_value_is_in_a_span_a_line_or_an_answer(
    ann: httpx.AsyncClient, spans: InMemorySpanExporter, lines: Lines, how: str
) -> None:
    answers = [
        await ann.get(f"/{CANARY}"),
        await ann.get(f"/notes/{CANARY}", params={CANARY: CANARY}),
        await ann.post("/notes", json={"text": CANARY, "weight": CANARY}),
        await ann.post("/notes", json=CANARY, headers={"Idempotency-Key": CANARY, "If-Match": CANARY}),
        await ann.post("/notes", content=CANARY, headers={"Content-Type": "application/json"}),
        await ann.post(f"/notes/{uuid4()}/break", params={"how": how, "canary": CANARY}),
        await ann.request(CANARY.replace("-", ""), "/notes"),
    ]
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert len(spans.get_finished_spans()) == len(answers)
    assert CANARY not in told + json.dumps(lines()) + "".join(answer.text for answer in answers)
    assert CANARY.replace("-", "") not in told + json.dumps(lines())


async def test_a_request_is_one_line(ann: httpx.AsyncClient, lines: Lines) -> None:
    await ann.get(f"/notes/{uuid4()}")
    [line] = [line for line in lines() if line["message"] == "request"]
    assert line.pop("milliseconds") >= 0
    assert {name: line[name] for name in ("method", "route", "status", "organization", "role", "service")} == {
        "method": "GET", "route": "/notes/{id}", "status": 200, "organization": "north", "role": "clinician",
        "service": "world",
    }  # fmt: skip


async def test_a_fault_is_told_by_its_class_and_its_place(ann: httpx.AsyncClient, lines: Lines) -> None:
    await ann.post(f"/notes/{uuid4()}/break?how=fault")
    [line] = [line for line in lines() if line["level"] == "ERROR"]
    assert line["error"] == "RuntimeError"
    assert any(place.startswith("tests/unit/runtime/http/world.py:") for place in line["frames"])
    assert line["route"] == "/notes/{id}/break"


async def test_probes_do_not_fill_the_log(world: World, lines: Lines) -> None:
    async with world.client("") as probe:
        await probe.get("/health/live")
    assert [line["level"] for line in lines() if line["message"] == "request"] == ["DEBUG"]
