"""Real FHIR Bundles through the door until the last resource is visible in its timeline."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from shutil import copy
from time import monotonic

import httpx

from deploy.embedded.ports import address
from deploy.importing.door import Door
from deploy.importing.importer import Importer
from shared.runtime.runtime import TOPICS
from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.kafka import without
from tests.bench.processes import serving
from tests.bench.report import Asked, Row
from tests.bench.system import embedded, resident

BUNDLES = Path(__file__).parents[3] / "shared" / "data" / "synthea"
RATE = Asked(
    case="FHIR import", figure="resources, sent by two clients until searches and timelines show the last", unit="/s",
    at_least=1_500, tried="roles in processes of their own; the client and Kafka take a quarter of the two cores",
)  # fmt: skip
ALL = Asked(case="FHIR import", figure="the same into the embedded mode, whose five services all hear of it", unit="/s")
MEMORY = Asked(case="FHIR import", figure="memory of records after that", unit="MiB", timed=False)
_ROLES = ("api", "relay", "worker")


async def importing(bench: Bench) -> AsyncIterator[Row]:
    """Into records alone, its roles in processes of their own, on Apache Kafka; then into a whole Carelog."""
    if not BUNDLES.is_dir():
        raise NotPossible("the folder of real Bundles beside the project is not there")
    yield await _into_records(bench)
    async with embedded() as (home, running):
        token = home.issuer.token(
            subject="bench", role="system", organization="north-clinic", lifetime=timedelta(hours=1)
        )
        yield await _rate(bench, ALL, url=running.services["records"], token=token)
        yield MEMORY.alone(resident(running.children["records"].pid))


async def _into_records(bench: Bench) -> Row:
    await without(*TOPICS, bootstrap=bench.kafka)
    home = bench.folder("importing")
    async with (
        bench.database() as dsn,
        serving(*_ROLES, home=home, postgres=dsn, kafka=bench.kafka, module="services.records", documents="postgres")
        as running,
    ):  # fmt: skip
        return await _rate(bench, RATE, url=address(port=running.ports["api"]), token=running.token(role="system"))


async def _rate(bench: Bench, asked: Asked, *, url: str, token: str) -> Row:
    """After a first patient, so that the models of FHIR's resources are made; what came in then does not count."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300) as client:
        await Importer(door=Door(client=client)).bring_in(path=_first(bench))
        began = monotonic()
        tally = await Importer(door=Door(client=client)).bring_in(path=_bundles(bench))
    came_in = tally.came_in.total()
    return asked.alone(came_in / (monotonic() - began), note=f"{came_in:,} resources")


def _bundles(bench: Bench) -> Path:
    """All of them, or a folder with the first few."""
    return BUNDLES if bench.scale.bundles is None else _some(bench, "bundles", _there()[: bench.scale.bundles])


def _first(bench: Bench) -> Path:
    """What the others refer to, and the smallest patient that is not of the measured few."""
    patients = [path for path in _there() if not _is_referred_to(path)]
    smallest = min(patients[bench.scale.bundles :] if bench.scale.bundles else patients, key=lambda p: p.stat().st_size)
    return _some(bench, "first bundles", [*filter(_is_referred_to, _there()), smallest])


def _there() -> list[Path]:
    return sorted(BUNDLES.glob("*.json*"))


def _is_referred_to(path: Path) -> bool:
    return "Information" in path.name


def _some(bench: Bench, name: str, files: Iterable[Path]) -> Path:
    chosen = bench.folder(name)
    for path in files:
        copy(path, chosen)
    return chosen


IMPORTING = Case(name="importing", asks=(RATE, ALL, MEMORY), measure=importing)
