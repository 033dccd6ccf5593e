"""The supervisor with the real thing: it starts again what dies or freezes, cleans up, and leaves nothing behind."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded import supervisor as supervising
from deploy.embedded.home import Home
from deploy.embedded.plan import Wanted
from deploy.embedded.ports import BROKER, chosen_ports
from deploy.embedded.supervisor import Supervisor
from deploy.story.cast import NORTH_DESK
from tests.e2e.mailbox import Outbox
from tests.e2e.setting import whole_system
from tests.e2e.spans import Collector
from tests.support.engines.process import alive
from tests.support.system import System, until

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    home = tmp_path_factory.mktemp("supervised")
    with whole_system(home=home, collector=Collector(), mailbox=Outbox(home / "outbox")) as system:
        yield system


async def test_a_second_demo_on_the_same_home_says_that_it_runs_already(system: System) -> None:
    line = [sys.executable, "-m", "deploy.cli", "demo", "--ports", "0", "--home", str(system.home.path)]
    second = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "is running already" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("name", ["records", BROKER])
async def test_a_killed_program_is_started_again_and_answers(system: System, name: str) -> None:
    before = system.running.children[name]
    process_of(system, name).kill()
    assert until(lambda: system.running.children[name] != before)
    async with system.doors() as doors:
        assert (await doors.ask(NORTH_DESK, "GET", "records", "/fhir/Patient")).status == 200


async def test_a_killed_postgres_is_started_again_and_commands_go_on(system: System) -> None:
    postmaster = next(one for one in system.processes() if "postgres" in one.name() and "-D" in one.cmdline())
    postmaster.kill()
    patient = {"resourceType": "Patient", "name": [{"family": "Okafor"}]}
    async with system.doors() as doors:
        answer = await doors.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", body=patient)
    assert answer.status == 201


async def test_what_a_killed_supervisor_leaves_is_ended_and_the_next_goes_on(system: System) -> None:
    left = list(system.running.children.values())
    supervisor = system.running.supervisor.process
    assert supervisor is not None
    supervisor.kill()
    supervisor.wait(timeout=10)
    system.start()
    assert [mark for mark in left if mark.process] == []
    assert process_of(system, "records").is_running()


async def test_a_clean_stop_leaves_no_process_behind(system: System) -> None:
    processes = system.processes()
    system.stop()
    assert [process for process in processes if alive(pid=process.pid)] == []
    assert system.home.noted() is None
    system.start()


async def test_a_frozen_service_is_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_LOOK", 0.3)
    monkeypatch.setattr(supervising, "_SILENT_FOR", 1.5)
    home = Home(tmp_path / "home")
    async with Supervisor(home=home, wanted=Wanted(ports=chosen_ports(said="0"))) as supervisor:
        frozen = supervisor.running.children["referrals"]
        assert frozen.process is not None
        frozen.process.suspend()
        async with asyncio.timeout(60):
            while supervisor.running.children["referrals"] == frozen:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        assert frozen.process is None


def process_of(system: System, name: str) -> psutil.Process:
    process = system.running.children[name].process
    assert process is not None
    return process
