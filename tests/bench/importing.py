"""Real FHIR Bundles through the door until the last resource is visible in its timeline."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from shutil import copy
from time import monotonic

import httpx

from deploy.importing.door import Door
from deploy.importing.importer import Importer
from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.report import Asked, Row
from tests.bench.system import embedded, resident

BUNDLES = Path(__file__).parents[3] / "shared" / "data" / "synthea"
RATE = Asked(
    case="FHIR import", figure="resources, sent by two clients until searches and timelines show the last", unit="/s",
    at_least=1_500,
)  # fmt: skip
MEMORY = Asked(case="FHIR import", figure="memory of records after it", unit="MiB", timed=False)


async def importing(bench: Bench) -> AsyncIterator[Row]:
    """Resources a second, sent by two clients; then the memory of records after them."""
    if not BUNDLES.is_dir():
        raise NotPossible("the folder of real Bundles beside the project is not there")
    async with embedded() as (home, running):
        token = home.issuer.token(
            subject="bench", role="system", organization="north-clinic", lifetime=timedelta(hours=1)
        )
        headers = {"Authorization": f"Bearer {token}"}
        began = monotonic()
        async with httpx.AsyncClient(base_url=running.services["records"], headers=headers, timeout=300) as client:
            tally = await Importer(door=Door(client=client)).bring_in(path=_bundles(bench))
        yield RATE.alone(tally.resources / (monotonic() - began), note=f"{tally.resources:,} resources")
        yield MEMORY.alone(resident(running.children["records"].pid))


def _bundles(bench: Bench) -> Path:
    """All of them, or a folder with the first few."""
    if bench.scale.bundles is None:
        return BUNDLES
    chosen = bench.folder("bundles")
    for path in sorted(BUNDLES.glob("*.json*"))[: bench.scale.bundles]:
        copy(path, chosen)
    return chosen


IMPORTING = Case(name="importing", asks=(RATE, MEMORY), measure=importing)
