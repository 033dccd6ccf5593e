"""An engine as a process of this machine: one home, one port kept over restarts, shared by all who know the home."""

import fcntl
import random
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.engines.process import ServerProcess


class NativeEngine(ABC):
    """What Kafka and FerretDB have in common, drills included: they are killed, frozen and started again."""

    def __init__(self, *, home: Path) -> None:
        self.home = home
        self._process = ServerProcess(home=home)

    @property
    @abstractmethod
    def address(self) -> str: ...

    @abstractmethod
    def _line(self) -> list[str]:
        """Make ready whatever the program needs, and answer the command line that runs it."""

    @abstractmethod
    def _answers(self) -> bool: ...

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def start(self) -> None:
        """Return when it answers: the process that runs already, or a new one on the same data and port."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self._process.pid is None:
                self._process.start(line=self._line(), ready=self._answers)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.end(by=signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay, nothing answers."""
        self._process.tell(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.tell(signal.SIGCONT)

    def _port(self, *, name: str = "port") -> int:
        kept = self.home / name
        with suppress(FileNotFoundError):
            return int(kept.read_text())
        port = _free_port()
        kept.write_text(str(port))
        return port

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def is_open(*, port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _free_port() -> int:
    # Below the range from which the system takes ports for outgoing connections: a client that retries against a
    # stopped server could otherwise come to sit on the server's own port.
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
