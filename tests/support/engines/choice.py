"""Which engine a run uses: the environment's address, else a container, else a native process.

Native ones live in the folder of the run: whoever starts one that runs already shares it, so parallel workers need
no more agreement than that folder, and the first process of the run stops them all at its end.
"""

import os
from pathlib import Path

from deploy.embedded.postgres import LocalPostgres
from tests.support.engines.engine import Engine
from tests.support.engines.postgres import GivenPostgres, Postgres


def postgres(*, run: Path) -> Postgres:
    if address := os.environ.get("CARELOG_TEST_POSTGRES"):
        return GivenPostgres(address=address)
    server = LocalPostgres(home=run / "postgres")
    server.start()
    return server


def kafka(*, run: Path) -> Engine:
    raise NotImplementedError


def mongodb(*, run: Path) -> Engine:
    raise NotImplementedError


def stop_all(*, run: Path) -> None:
    """End whatever native engine of this run is still there."""
    LocalPostgres(home=run / "postgres").stop()
