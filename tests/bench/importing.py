"""Real FHIR Bundles through the door until the last resource is visible in its timeline."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import httpx

from deploy.importing.door import Door
from deploy.importing.importer import Importer
from tests.bench.report import Figure
from tests.bench.system import embedded, load_a_core, resident

BUNDLES = Path(__file__).parents[3] / "shared" / "data" / "synthea"


async def importing() -> AsyncIterator[Figure]:
    """Resources a second, sent by two clients; then the memory of records after them."""
    if not BUNDLES.is_dir():
        return
    async with embedded() as (home, running):
        token = home.issuer.token(
            subject="bench", role="system", organization="north-clinic", lifetime=timedelta(hours=1)
        )
        headers = {"Authorization": f"Bearer {token}"}
        began = monotonic()
        async with httpx.AsyncClient(base_url=running.services["records"], headers=headers, timeout=300) as client:
            tally = await Importer(door=Door(client=client)).bring_in(path=BUNDLES)
        rate = tally.resources / (monotonic() - began)
        load = load_a_core()
        yield Figure(
            case="FHIR import", figure=f"{tally.resources} resources, until the timelines show the last",
            measured=rate, unit="/s", wanted=">= 500 /s", load=load,
        )  # fmt: skip
        memory = resident(running.children["records"].pid)
        yield Figure(case="FHIR import", figure="memory of records after it", measured=memory, unit="MiB", load=load)
