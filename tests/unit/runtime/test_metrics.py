"""What operators measure: names, labels and values in Prometheus' text form, and never a thing that was submitted."""

import asyncio
import time
from pathlib import Path

import pytest

from shared.runtime.telemetry.metrics import MEDIA_TYPE, Metrics
from shared.runtime.telemetry.pulse import Pulse
from tests.support.harness import eventually
from tests.unit.runtime.http.world import a_world


def lines(metrics: Metrics, *, of: str) -> list[str]:
    return [line for line in metrics.exposition().decode().splitlines() if line.startswith(of)]


def test_a_gauge_says_what_is_so_when_it_is_asked() -> None:
    metrics, age = Metrics(service="records"), [1.5]
    metrics.gauge("carelog.relay.age", lambda: [(age[0], {})], says="How old it is.", unit="s")
    assert lines(metrics, of="carelog_relay") == ['carelog_relay_age_seconds{service="records"} 1.5']
    age[0] = 0.0
    assert lines(metrics, of="carelog_relay") == ['carelog_relay_age_seconds{service="records"} 0.0']


def test_a_counter_has_a_row_for_each_of_its_labels() -> None:
    metrics = Metrics(service="records")
    metrics.counter(
        "carelog.consumer.applied", lambda: [(2, {"consumer": "a"}), (3, {"consumer": "b"})], says="Events."
    )
    assert lines(metrics, of="carelog_consumer") == [
        'carelog_consumer_applied_total{consumer="a",service="records"} 2.0',
        'carelog_consumer_applied_total{consumer="b",service="records"} 3.0',
    ]


def test_times_are_counted_in_buckets() -> None:
    metrics = Metrics(service="records")
    took = metrics.times("carelog.append.commit", says="Commits.", bounds=(0.01, 0.1))
    for seconds in (0.005, 0.05, 0.05, 5):
        took(seconds, {})
    buckets = lines(metrics, of="carelog_append_commit_seconds_bucket")
    assert [line.rsplit(" ", 1)[1] for line in buckets] == ["1.0", "3.0", "4.0"]
    assert lines(metrics, of="carelog_append_commit_seconds_count") == [
        'carelog_append_commit_seconds_count{service="records"} 4.0'
    ]


def test_two_processes_in_one_do_not_share_their_numbers() -> None:
    one, other = Metrics(service="records"), Metrics(service="billing")
    one.gauge("carelog.relay.active", lambda: [(1, {})], says="Whether it is at work.")
    assert not lines(other, of="carelog_relay")


async def test_a_request_is_measured_by_its_route_and_never_by_its_address(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    async with world.client() as client:
        await client.get("/notes/Margaret-Smith?name=Margaret")
        await client.get("/nowhere/Margaret-Smith")
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert 'http_server_request_duration_seconds_count{http_request_method="GET"' in answer.text
    assert 'http_route="unmatched"' in answer.text
    assert "Margaret" not in answer.text


async def test_whatever_blocks_the_loop_shows() -> None:
    pulse = Pulse()
    task = asyncio.create_task(pulse.run())
    try:
        await asyncio.sleep(0)
        time.sleep(0.5)
        await eventually(lambda: pulse.delay > 0.1)
    finally:
        task.cancel()


@pytest.mark.parametrize("name", ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"])
def test_the_process_itself_is_measured(name: str) -> None:
    assert lines(Metrics(service="records"), of=name)
