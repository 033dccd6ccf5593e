"""A whole system for end-to-end tests: `carelog demo` in a home of its own, on free ports, with a set-up's engines.

It is killed as a power cut would kill it, and started again on what was left.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from deploy.embedded.home import Home, Running
from deploy.story.cast import Caller
from deploy.story.doors import Doors
from tests.support.engines.engine import Engine
from tests.support.engines.native import NativeEngine

_ROOT = Path(__file__).parents[2]
_PATIENCE = 180.0
"""seconds for a start on a machine that does other things too"""


class NotStarted(RuntimeError):
    """The system did not start; the message ends with its last words."""


@dataclass(kw_only=True)
class System:
    """Without a Kafka it runs the development broker, without a document store JSONB. `told`: more environment."""

    home: Home
    kafka: Engine | None = None
    documents: Engine | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def running(self) -> Running:
        return self.home.running()

    def start(self) -> None:
        """Returns when every service is ready, whatever was left by an earlier life."""
        for engine in self._engines:
            engine.start()
        self.home.path.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            line = [sys.executable, "-m", "deploy.cli", "demo", "--home", str(self.home.path), "--ports", "0"]
            self._process = subprocess.Popen(
                line, cwd=_ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._await_ready(self._process)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)
        for engine in reversed(self._engines):
            engine.stop()

    def kill_everything(self) -> None:
        """`kill -9` for every process: supervisor, services, broker, PostgreSQL, and the engines that are ours."""
        processes = self.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=30)
        for engine in self._engines:
            if isinstance(engine, NativeEngine):
                engine.kill()
        if self._process is not None:
            self._process.wait(timeout=30)

    def processes(self) -> Sequence[psutil.Process]:
        """The supervisor first: nobody shall start again what is being killed."""
        noted = self.home.noted()
        marks = [noted.supervisor, *noted.children.values()] if noted else []
        found = [process for mark in marks if (process := mark.process)]
        return [*found, *_with_children(self._postmaster)]

    def doors(self) -> Doors:
        """With a token for whoever asks."""
        return Doors(addresses=self.running.services, token=self.token)

    def token(self, caller: Caller) -> str:
        return caller.token(issuer=self.home.issuer)

    def client(self, caller: Caller, service: str, *, connections: int = 100) -> httpx.AsyncClient:
        """For many requests at once."""
        return httpx.AsyncClient(
            base_url=self.running.services[service],
            headers={"Authorization": f"Bearer {self.token(caller)}"},
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=120,
        )

    @property
    def _engines(self) -> list[Engine]:
        return [engine for engine in (self.kafka, self.documents) if engine]

    @property
    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARELOG_")}
        said = {
            **({"CARELOG_KAFKA": self.kafka.address} if self.kafka else {}),
            **({"CARELOG_DOCUMENTS": self.documents.address} if self.documents else {}),
        }
        return {**inherited, **said, **self.told}

    @property
    def _log(self) -> Path:
        return self.home.path / "demo.log"

    @property
    def _postmaster(self) -> psutil.Process | None:
        with suppress(OSError, ValueError, psutil.Error):
            first, *_ = (self.home.postgres / "data" / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(first))
            if str(self.home.postgres) in " ".join(process.cmdline()):
                return process
        return None

    def _await_ready(self, process: "subprocess.Popen[bytes]") -> None:
        def ready() -> bool:
            noted = self.home.noted()
            return noted is not None and noted.ready and noted.supervisor.pid == process.pid

        if not until(ready, or_else=lambda: process.poll() is not None, patience=_PATIENCE):
            raise NotStarted(self._log.read_text(errors="replace")[-2000:])


def until(holds: Callable[[], bool], *, or_else: Callable[[], bool] = lambda: False, patience: float = 30.0) -> bool:
    """Whether it came to hold in time, looked at often; gives up when `or_else` comes to hold."""
    deadline = time.monotonic() + patience
    while not holds():
        if or_else() or time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _with_children(process: psutil.Process | None) -> Iterator[psutil.Process]:
    if process is not None:
        yield process
        with suppress(psutil.NoSuchProcess):
            yield from process.children(recursive=True)
