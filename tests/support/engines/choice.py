"""Which engine a run uses: the environment's address, else a container, else a native process.

Native ones live in the folder of the run: whoever starts one that runs already shares it, so parallel workers need
no more agreement than that folder, and the first process of the run stops them all at its end.
"""

import os
from pathlib import Path

from deploy.embedded.postgres import LocalPostgres
from tests.support.engines import container
from tests.support.engines.engine import Engine, GivenEngine
from tests.support.engines.ferretdb import NativeFerretDB
from tests.support.engines.kafka import NativeKafka
from tests.support.engines.postgres import GivenPostgres, Postgres


def postgres(*, run: Path) -> Postgres:
    """Never a container: the wheel's PostgreSQL is everywhere where the tests are."""
    if address := os.environ.get("CARELOG_TEST_POSTGRES"):
        return GivenPostgres(address=address)
    server = LocalPostgres(home=run / "postgres")
    server.start()
    return server


def kafka(*, run: Path) -> Engine:
    if address := os.environ.get("CARELOG_TEST_KAFKA"):
        return GivenEngine(address=address)
    return container.kafka() if container.docker_answers() else native_kafka(run=run)


def mongodb(*, run: Path) -> Engine:
    if address := os.environ.get("CARELOG_TEST_MONGODB"):
        return GivenEngine(address=address)
    return container.mongodb() if container.docker_answers() else native_mongodb(run=run)


def native_kafka(*, run: Path) -> NativeKafka:
    return NativeKafka(home=run / "kafka")


def native_mongodb(*, run: Path) -> NativeFerretDB:
    return NativeFerretDB(home=run / "ferretdb", store=LocalPostgres(home=run / "postgres"))


def stop_all(*, run: Path) -> None:
    """End whatever native engine of this run is still there."""
    for engine in (native_kafka(run=run), native_mongodb(run=run), LocalPostgres(home=run / "postgres")):
        engine.stop()
