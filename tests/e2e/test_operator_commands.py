"""Operators' commands on a whole system: a rebuild, killed and gone on with under load; and what is set aside."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.story.cast import NORTH_DESK
from tests.e2e.mailbox import Outbox
from tests.e2e.setting import whole_system
from tests.e2e.spans import Collector
from tests.support.engines.process import alive
from tests.support.harness import eventually
from tests.support.system import System, until

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]

CANARY = "CANARY-Jane-Doe"
PATIENT = {"resourceType": "Patient", "name": [{"family": CANARY}]}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    home = tmp_path_factory.mktemp("operated")
    with whole_system(home=home, collector=Collector(), mailbox=Outbox(home / "outbox")) as system:
        yield system


def line(*words: str, home: Path) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *words, "--home", str(home)]


def carelog(system: System, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command, as an operator's terminal would run it; it never says what was in a message, nor where it broke."""
    done = subprocess.run(
        line(*words, home=system.home.path), capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@dataclass
class Load:
    """Readers and writers that go on; each answer that is not what it should be is kept."""

    written: int = 0
    read: int = 0
    wrong: list[int] = field(default_factory=list)

    async def write(self, client: httpx.AsyncClient) -> None:
        while True:
            answer = await client.post("/fhir/Patient", json=PATIENT)
            self._count(answer, 201)
            self.written += 1

    async def look(self, client: httpx.AsyncClient) -> None:
        while True:
            answer = await client.get("/fhir/Patient", params={"_count": 1})
            self._count(answer, 200)
            self.read += 1
            await asyncio.sleep(0.01)

    def _count(self, answer: httpx.Response, status: int) -> None:
        if answer.status_code != status:
            self.wrong.append(answer.status_code)


@asynccontextmanager
async def under_load(system: System) -> AsyncIterator[Load]:
    load = Load()
    async with system.client(NORTH_DESK, "records") as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(client)) for work in (load.write, load.write, load.look)]
        yield load
        for task in tasks:
            task.cancel()


async def generations(system: System) -> Mapping[str, Any]:
    done = await asyncio.to_thread(carelog, system, "projections", "status", "--service", "records", "--json")
    return {one["projection"]: one for one in json.loads(done.stdout)["records"]}


async def test_a_killed_rebuild_is_gone_on_with_under_load_without_one_failed_read(system: System) -> None:
    async with under_load(system) as load:
        await eventually(lambda: load.written > 600, within=120)
        rebuild = subprocess.Popen(
            line("projections", "rebuild", "timeline", "--yes", home=system.home.path), stderr=subprocess.PIPE
        )
        assert await asyncio.to_thread(until, lambda: _under_way(rebuild), patience=120)
        rebuild.kill()
        rebuild.wait()
        [left, _] = (await generations(system))["timeline"]["entries"]
        assert (left["generation"], left["ended_at"]) == (2, None)

        done = await asyncio.to_thread(carelog, system, "projections", "rebuild", "timeline", "--yes")
        assert (done.returncode, "Readers are at generation 2" in done.stdout) == (0, True), done.stdout + done.stderr
        since = load.written
        await eventually(lambda: load.written > since + 50, within=120)
    assert load.read > 0
    assert load.wrong == []

    assert (await generations(system))["timeline"]["live"] == 2
    back = await asyncio.to_thread(carelog, system, "projections", "rollback", "timeline", "--yes")
    assert (back.returncode, (await generations(system))["timeline"]["live"]) == (0, 1)


def _under_way(rebuild: "subprocess.Popen[bytes]") -> bool:
    """It has begun to fill: it says so."""
    assert rebuild.stderr
    assert alive(pid=rebuild.pid)
    return b"messages" in rebuild.stderr.readline()


async def test_what_cannot_be_read_is_listed_shown_and_tried_again_without_its_payload(system: System) -> None:
    patient = str(uuid4())
    await put(system, patient)
    listed = await asyncio.to_thread(until_said, system, patient, "parked", "list", "--service", "records")
    assert listed.returncode == 1
    shown = await asyncio.to_thread(carelog, system, "parked", "show", f"{patient}.1", "--service", "records")
    assert (shown.returncode, "Unreadable" in shown.stdout, "m-vogel" in shown.stdout) == (0, True, True)
    tried = await asyncio.to_thread(carelog, system, "parked", "replay", patient, "--yes", "--service", "records")
    assert (tried.returncode, "0 messages went through" in tried.stdout) == (1, True), tried.stdout
    status = await asyncio.to_thread(carelog, system, "status", "--service", "records", "--patience", "60")
    assert (status.returncode, "parked for carelog.records.resources" in status.stdout) == (1, True), status.stdout


def until_said(system: System, text: str, *words: str) -> "subprocess.CompletedProcess[str]":
    found: list[subprocess.CompletedProcess[str]] = []

    def said() -> bool:
        found.append(carelog(system, *words))
        return text in found[-1].stdout

    assert until(said, patience=60)
    return found[-1]


async def put(system: System, patient: str) -> None:
    """A message whose envelope is in order, and whose facts are none of its contract."""
    said = {
        "specversion": "1.0", "id": f"{patient}.1", "type": "records.patient.registered.v1", "subject": patient,
        "source": "/carelog/records", "time": "2026-01-01T00:00:00+00:00", "sequence": "1", "position": "1.1",
        "recordedtime": "2026-01-01T00:00:00+00:00", "organization": "north-clinic", "actor": "m-vogel",
        "role": "registrar", "purpose": "PATADMIN", "commandid": patient, "correlationid": patient, "patient": patient,
    }  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=system.running.kafka)
    await producer.start()
    try:
        headers = [(f"ce_{name}", value.encode()) for name, value in said.items()]
        value = json.dumps({CANARY: 1}).encode()
        await producer.send_and_wait("carelog.records.v1", value, key=patient.encode(), headers=headers)
    finally:
        await producer.stop()


async def test_with_the_brokers_away_the_rest_is_told(system: System) -> None:
    broker = system.running.children["broker"].process
    assert broker
    broker.suspend()
    try:
        done = await asyncio.to_thread(carelog, system, "status", "--service", "records", "--patience", "3")
    finally:
        broker.resume()
    assert done.returncode == 1
    assert "Kafka" in done.stdout
    assert "events, the newest" in done.stdout
