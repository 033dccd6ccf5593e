"""The local PostgreSQL: what it survives, what it leaves alone, and that stopping stops it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.postgres import LocalPostgres, PostgresUnavailable
from tests.support.engines.process import alive

pytestmark = pytest.mark.engines


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalPostgres]:
    local = LocalPostgres(home=tmp_path / "postgres")
    yield local
    local.stop()


def test_it_starts_and_answers(server: LocalPostgres) -> None:
    server.start()
    assert ask(server, "SELECT 40 + 2") == 42


def test_starting_it_twice_is_starting_it_once(server: LocalPostgres) -> None:
    server.start()
    first = postmaster(server)
    server.start()
    assert postmaster(server) == first


def test_stopping_ends_the_process_whoever_started_it(server: LocalPostgres, tmp_path: Path) -> None:
    server.start()
    pid = postmaster(server)
    LocalPostgres(home=tmp_path / "postgres").stop()
    assert not alive(pid=pid)


def test_stopping_what_never_ran_is_no_error(tmp_path: Path) -> None:
    LocalPostgres(home=tmp_path / "nowhere").stop()


def test_a_database_is_made_once_whatever_its_name(server: LocalPostgres) -> None:
    server.start()
    for _ in range(2):
        server.ensure_database(name="Année \"'; 1")
    assert ask(server, "SELECT current_database()", database="Année \"'; 1") == "Année \"'; 1"


def test_what_was_committed_survives_a_killed_server(server: LocalPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 7 AS seven")
    os.kill(postmaster(server), signal.SIGKILL)
    server.start()
    assert ask(server, "SELECT seven FROM kept") == 7


def test_it_starts_again_after_being_killed_time_and_again(server: LocalPostgres) -> None:
    for _ in range(5):
        server.start()
        assert ask(server, "SELECT 1") == 1
        os.kill(postmaster(server), signal.SIGKILL)
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_server_that_outlives_its_starter_is_found_again(server: LocalPostgres, tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    start_and_die = (
        "import os, signal, sys; from pathlib import Path; from deploy.embedded.postgres import LocalPostgres"
    )
    start_and_die += "; LocalPostgres(home=Path(sys.argv[1])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    starter = subprocess.run([sys.executable, "-c", start_and_die, str(home)], check=False)
    assert starter.returncode == -signal.SIGKILL
    survivor = postmaster(server)
    server.start()
    assert postmaster(server) == survivor


def test_a_pid_file_that_names_another_program_is_not_believed(server: LocalPostgres, tmp_path: Path) -> None:
    server.start()
    server.stop()
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n1\n5432\n\n\n\nready\n")
    server.stop()
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_home_deeper_than_a_socket_path_may_be(tmp_path: Path) -> None:
    server = LocalPostgres(home=tmp_path / ("deep" * 30))
    server.start()
    try:
        assert ask(server, "SELECT 1") == 1
    finally:
        server.stop()


def test_two_homes_are_two_servers(server: LocalPostgres, tmp_path: Path) -> None:
    other = LocalPostgres(home=tmp_path / "other")
    server.start()
    other.start()
    try:
        ask(server, "CREATE TABLE mine ()")
        assert ask(other, "SELECT to_regclass('mine')") is None
    finally:
        other.stop()


def test_starting_widens_no_rights_above_its_folder(server: LocalPostgres, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server.start()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_start_that_cannot_be_says_why(server: LocalPostgres, tmp_path: Path) -> None:
    server.start()
    server.stop()
    (tmp_path / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(PostgresUnavailable, match="pg_control"):
        server.start()


def test_what_people_wrote_stays_out_of_its_log(server: LocalPostgres, tmp_path: Path) -> None:
    server.start()
    ask(server, "CREATE TABLE people (name text PRIMARY KEY)")
    with pytest.raises(asyncpg.UniqueViolationError):
        ask(server, "INSERT INTO people VALUES ('Ada Lovelace'), ('Ada Lovelace')")
    log = (tmp_path / "postgres" / "log").read_text()
    assert "duplicate key" in log
    assert "Lovelace" not in log


async def test_every_test_has_an_empty_database_of_its_own(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert (
            await connection.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
        )
    finally:
        await connection.close()


def ask(server: LocalPostgres, statement: str, *, database: str = "postgres") -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(server.dsn(database=database))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(answer())


def postmaster(server: LocalPostgres) -> int:
    return int(str(ask(server, r"SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")))
