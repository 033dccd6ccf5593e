"""What docs/integrating.md tells subscribers is so: its programs run as they stand, against the development broker."""

import asyncio
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.broker import Broker
from shared.contracts.catalogue import SERVICES, contracts, topic_of
from shared.contracts.envelope import Contract, Envelope, to_headers
from shared.contracts.scheduling import AppointmentArrived, AppointmentBooked
from shared.runtime.bus.relay import value_of
from shared.runtime.bus.topics import PARTITIONS, ensure_topics
from tests.deploy.tree import TREE, text

GUIDE = "docs/integrating.md"
TOPIC = "carelog.scheduling.v1"
PATIENCE = 60
START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def block(language: str, *, under: str) -> str:
    found = re.search(rf"^## {under}\n.*?^```{language}\n(.*?)^```", text(GUIDE), re.DOTALL | re.MULTILINE)
    assert found, under
    return found[1]


def said(contract: Contract, *, about: UUID, version: int) -> Contract:
    return contract.within(
        Envelope(
            id=f"{about}.{version}",
            type=contract.TYPE,
            source="/carelog/scheduling",
            subject=about,
            time=START,
            recordedtime=START,
            sequence=version,
            position=f"1.{version}",
            key=str(about),
            organization="heart-centre",
            actor="ana",
            role="scheduler",
            purpose="TREAT",
            commandid=uuid4(),
            correlationid=uuid4(),
        )
    )


def booked(about: UUID, *, version: int = 1) -> Contract:
    contract = AppointmentBooked(
        start=START, end=START + timedelta(minutes=30), schedules=(uuid4(),), resources=("Room 1",), time_zone="UTC"
    )
    return said(contract, about=about, version=version)


@pytest.fixture
async def bootstrap(tmp_path: Path) -> AsyncIterator[str]:
    async with Broker(data=tmp_path / "broker", port=0) as broker:
        await ensure_topics(bootstrap=broker.bootstrap, names=[TOPIC], replicas=1)
        yield broker.bootstrap


async def tell(bootstrap: str, *told: Contract) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for one in told:
            headers = to_headers(one.envelope)
            await producer.send_and_wait(TOPIC, value_of(one), key=one.envelope.key.encode(), headers=headers)


@asynccontextmanager
async def running(program: str, bootstrap: str) -> AsyncIterator[asyncio.subprocess.Process]:
    assert "localhost:9092" in program
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program.replace("localhost:9092", bootstrap), cwd=TREE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()


async def test_the_aiokafka_consumer_says_each_event_once(bootstrap: str) -> None:
    first, second = uuid4(), uuid4()
    await tell(bootstrap, booked(first), booked(first), booked(second))
    async with running(block("python", under="With aiokafka"), bootstrap) as process:
        heard = {await line(process), await line(process)}
        await tell(bootstrap, booked(first), said(AppointmentArrived(), about=first, version=2))
        heard.add(await line(process))
    facts = sorted(AppointmentBooked.model_fields)
    assert heard == {
        f"scheduling.appointment.booked.v1 {first}.1 {facts}",
        f"scheduling.appointment.booked.v1 {second}.1 {facts}",
        f"scheduling.appointment.arrived.v1 {first}.2 {sorted(AppointmentArrived.model_fields)}",
    }


async def test_the_aiokafka_consumer_stops_at_a_hole(bootstrap: str) -> None:
    about = uuid4()
    await tell(bootstrap, booked(about), booked(about, version=3))
    async with running(block("python", under="With aiokafka"), bootstrap) as process:
        async with asyncio.timeout(PATIENCE):
            _, complaint = await process.communicate()
    assert f"a hole before {about}.3" in complaint.decode()
    assert process.returncode


async def test_the_faststream_consumer_reads_contracts_and_stops_at_a_hole(bootstrap: str) -> None:
    about = uuid4()
    await tell(bootstrap, booked(about), booked(about))
    async with running(block("python", under="With FastStream and the contracts"), bootstrap) as process:
        assert await line(process) == f"booked {about}.1 {START.isoformat()}"
        await tell(bootstrap, booked(about, version=3))
        assert await line(process) == ""
        async with asyncio.timeout(PATIENCE):
            await process.wait()


async def test_the_line_for_kcat_shows_key_headers_and_value(bootstrap: str) -> None:
    if not shutil.which("kcat"):
        pytest.skip("kcat is not here; it is no part of Carelog, only a way to look at it")
    about = uuid4()
    await tell(bootstrap, booked(about))
    command = shlex.split(block("sh", under="To look at a topic").replace("localhost:9092", bootstrap))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        shown = (await process.communicate())[0].decode()
    assert f"{about} ce_specversion=1.0," in shown
    assert '"resources":["Room 1"]' in shown


def test_it_names_every_topic_with_its_owner() -> None:
    rows = re.findall(r"^\| `(carelog\.\w+\.v1)` \| (\w+) \|", text(GUIDE), re.MULTILINE)
    assert rows == [(topic_of(name), name) for name in SERVICES]
    assert f"{PARTITIONS} partitions" in text(GUIDE)


def test_it_names_every_header() -> None:
    named = set(re.findall(r"`([\w<>-]+)`", " ".join(re.findall(r"^\| (`.+?) \|", text(GUIDE), re.MULTILINE))))
    full = replace(
        booked(uuid4()).envelope,
        patient=uuid4(),
        causationid=f"{uuid4()}.1",
        traceparent=f"00-{1:032x}-{1:016x}-01",
        dataschema="urn:schema",
        links={"<name>": str(uuid4())},
    )
    assert all(getattr(full, one.name) for one in fields(Envelope))
    assert {name for name, _ in to_headers(full)} <= named


def test_the_types_that_it_uses_as_examples_exist() -> None:
    for name in re.findall(rf"`((?:{'|'.join(SERVICES)})\.\w+\.\w+\.v\d)`", text(GUIDE)):
        assert name in contracts()
