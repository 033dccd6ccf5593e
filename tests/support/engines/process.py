"""A server process that outlives its starter, found again through the pid file in its home."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_PATIENCE = 60  # seconds for a start or an orderly end, on a machine that does other things too


class ServerFailed(RuntimeError):
    """The process ended, or did not become ready in time; the message ends with its last words."""


class ServerProcess:
    """One program with one home, in which it keeps `pid` and `log`."""

    def __init__(self, *, home: Path) -> None:
        self._home = home
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The live process. A number given out again is not mistaken for it: the start time is noted too."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            number, born = (self._home / "pid").read_text().split()
            process = psutil.Process(int(number))
            if alive(pid=process.pid) and str(process.create_time()) == born:
                return process.pid
        return None

    def start(self, *, line: Sequence[str], ready: Callable[[], bool]) -> None:
        """Run `line` in the home, detached, and return when `ready` says so."""
        with (self._home / "log").open("ab") as log:
            self._child = subprocess.Popen(
                line, cwd=self._home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self._home / "pid").write_text(f"{self._child.pid} {psutil.Process(self._child.pid).create_time()}")
        deadline = time.monotonic() + _PATIENCE
        while not ready():
            if self.pid is None or time.monotonic() > deadline:
                self.end(by=signal.SIGKILL)
                raise ServerFailed((self._home / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, insist when it does not, and return when it has."""
        self.tell(signal.SIGCONT)
        self.end(by=signal.SIGTERM)

    def end(self, *, by: signal.Signals) -> None:
        pid = self.pid
        for number in (by, signal.SIGKILL):
            self.tell(number)
            if pid is None or _ends(pid=pid):
                break
        if self._child is not None:
            self._child.wait()

    def tell(self, number: signal.Signals) -> None:
        if pid := self.pid:
            os.kill(pid, number)


def alive(*, pid: int) -> bool:
    """Whether the process runs; one that ended and that its parent has not buried yet does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _ends(*, pid: int) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while alive(pid=pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid=pid)
