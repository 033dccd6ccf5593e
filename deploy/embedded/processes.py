"""Programs that are kept running: started, started again when they die, ended politely and then firmly."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic

import psutil

from deploy.embedded.home import Mark

STEADY = 60.0
"""a program that lived this long (seconds) has not failed to start"""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_LAST_WORDS = 5


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command line with what it needs to know."""

    name: str
    line: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Keeper:
    """Keeps one program running. `noticed` is told of each new process."""

    def __init__(self, *, program: Program, noticed: Callable[[], None]) -> None:
        self.program = program
        self.mark: Mark | None = None
        self.deaths = 0
        self._noticed = noticed
        self._leaving = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    def start(self) -> None:
        self._lives = asyncio.create_task(self._live(), name=self.program.name)

    async def stop(self, *, patience: float) -> None:
        """Asks it to end, and insists after `patience` seconds. It is not started again."""
        self._leaving.set()
        await self.renew(patience=patience)
        await asyncio.gather(self._lives, return_exceptions=True)

    async def renew(self, *, patience: float) -> None:
        """Ends this process of it; another one follows, unless it is being stopped."""
        if self._process is None or self._process.returncode is not None:
            return
        self._tell(signal.SIGCONT)
        self._tell(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            self._tell(signal.SIGKILL)
            await self._process.wait()

    async def _live(self) -> None:
        """One process after another. The pause between them grows while they keep dying young."""
        pause = _FIRST_PAUSE
        while not self._leaving.is_set():
            began = monotonic()
            await self._one_life()
            self.deaths += 1
            pause = _FIRST_PAUSE if monotonic() - began > STEADY else min(pause * 2, _LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), pause)

    async def _one_life(self) -> None:
        with self.program.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_bound_to_us(), *self.program.line, env=self.program.environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # Ctrl-C is for the supervisor, which ends its programs in order
            )  # fmt: skip
        with suppress(psutil.NoSuchProcess):
            self.mark = Mark.of(pid=self._process.pid)
        self._noticed()
        if self._leaving.is_set():
            self._tell(signal.SIGTERM)
        await self._process.wait()

    def _tell(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    @property
    def last_words(self) -> str:
        with suppress(FileNotFoundError):
            lines = self.program.log.read_text("utf-8", errors="replace").splitlines()
            return "\n".join(line[:300] for line in lines[-_LAST_WORDS:])
        return ""


def end_leftovers(*, marks: Iterable[Mark], patience: float = 5.0) -> None:
    """Ends what a killed supervisor left behind: those very processes, never others that were given their numbers."""
    left = [process for mark in marks if (process := mark.process)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.resume()
            process.terminate()
    for process in psutil.wait_procs(left, timeout=patience)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=patience)


def bound_log(*, log: Path, most: int) -> None:
    """A log that has outgrown `most` bytes becomes `<name>.log.1`. Its writer appends, so it begins anew."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > most:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


@cache
def _bound_to_us() -> tuple[str, ...]:
    """Where the system can: the program is told to end when we are gone, however we went."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return (found, "--pdeathsig", "TERM", "--") if found else ()
