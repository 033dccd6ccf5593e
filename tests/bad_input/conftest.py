"""One whole system for all of it: five real processes, which must be the same ones in the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.embedded.home import Home
from deploy.story.cast import HEART_BILLER, HEART_DESK, NORTH_DESK, NORTH_DOCTOR, Caller
from shared.contracts.catalogue import SERVICES
from tests.support.engines.engine import EngineUnavailable, skip_or_fail
from tests.support.system import System


@dataclass(frozen=True)
class Door:
    """A door of a service that takes a body, and somebody who may write there."""

    method: str
    path: str
    caller: Caller


WRITING: Mapping[str, Door] = {
    "records": Door("POST", "/fhir/Patient", NORTH_DESK),
    "scheduling": Door("POST", "/appointments", HEART_DESK),
    "referrals": Door("POST", "/referrals", NORTH_DOCTOR),
    "billing": Door("POST", "/coverages", HEART_BILLER),
    "notifications": Door("PUT", "/patients/00000000-0000-0000-0000-000000000001/preferences", NORTH_DESK),
}


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(home=Home(tmp_path_factory.mktemp("bad")))
    try:
        system.start()
    except EngineUnavailable as unavailable:
        skip_or_fail(reason=str(unavailable))
    try:
        yield system
    finally:
        system.stop()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def process(system: System, service: str) -> psutil.Process:
    """The service's process, as it is now."""
    return psutil.Process(system.running.children[service].pid)


def logged(system: System, service: str) -> str:
    """All that it has written to its log."""
    found: Path = system.home.logs / f"{service}.log"
    return found.read_text("utf-8", errors="replace")
