"""A whole Carelog in the embedded mode for one case: in a folder of its own, on free ports, gone afterwards."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from deploy.embedded.home import Home, Running
from deploy.embedded.plan import Wanted
from deploy.embedded.ports import chosen_ports
from deploy.embedded.supervisor import Supervisor


@asynccontextmanager
async def embedded() -> AsyncIterator[tuple[Home, Running]]:
    """Everything runs inside."""
    with tempfile.TemporaryDirectory(prefix="carelog-bench-") as folder:
        home = Home(path=Path(folder))
        async with Supervisor(home=home, wanted=Wanted(ports=chosen_ports(said="0"))) as supervisor:
            yield home, supervisor.running


def resident(pid: int) -> float:
    """A process's resident memory in MiB."""
    return psutil.Process(pid).memory_info().rss / 2**20
