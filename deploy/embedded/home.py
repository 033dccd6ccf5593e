"""The folder of the embedded mode, `.carelog` or what CARELOG_HOME names: all that one machine's Carelog keeps."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psutil

from deploy.embedded.issuer import Issuer
from deploy.trouble import Trouble


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A process, told from another one that was given the same number later by when it began."""

    pid: int
    born: float

    @classmethod
    def of(cls, *, pid: int) -> Self:
        return cls(pid=pid, born=psutil.Process(pid).create_time())

    @property
    def process(self) -> psutil.Process | None:
        """The process, if it still runs."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            # Where the clock was set in between, the system tells the same beginning a little differently.
            if abs(found.create_time() - self.born) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a supervisor started and where it answers; it stays on disk after a `kill -9`, for the next one to read."""

    supervisor: Mark
    services: Mapping[str, str]
    """the address of each service's doors"""
    kafka: str
    is_development_broker: bool
    documents: str
    channel: str
    ready: bool = False
    """everything has answered"""
    children: Mapping[str, Mark] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    """the DSN of each service's log"""


@dataclass(frozen=True)
class Home:
    path: Path

    @classmethod
    def chosen(cls, *, given: Path | None = None) -> Self:
        """The folder that is named, else that of the environment, else `.carelog` here."""
        return cls((given or Path(os.environ.get("CARELOG_HOME") or ".carelog")).resolve())

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.path / "issuer")

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def broker(self) -> Path:
        return self.path / "broker"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def outbox(self) -> Path:
        """Where messages to patients go, as `.eml` files."""
        return self.path / "outbox"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this folder as long as it lives."""
        return self.path / "lock"

    @property
    def stories(self) -> Path:
        return self.path / "stories"

    def note(self, running: Running) -> None:
        """Readable by its owner alone: an address of a document store may hold a password."""
        write_whole(path=self._record, text=json.dumps(asdict(running), indent=1), mode=0o600)

    def noted(self) -> Running | None:
        """What the last supervisor noted, alive or not."""
        with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
            return _running(json.loads(self._record.read_text("utf-8")))
        return None

    def running(self) -> Running:
        """What runs now. Raises `Trouble` where nothing does."""
        noted = self.noted()
        if noted is None or noted.supervisor.process is None:
            raise Trouble(f"Carelog is not running in {self.path}: start it with `carelog demo`, or name its home.")
        return noted

    def forget(self) -> None:
        self._record.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        return self.path / "running.json"


def write_whole(*, path: Path, text: str, mode: int = 0o600) -> None:
    """All of it or nothing, whenever the power goes."""
    part = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _running(said: Mapping[str, Any]) -> Running:
    children = {name: Mark(**mark) for name, mark in said["children"].items()}
    return Running(**{**said, "supervisor": Mark(**said["supervisor"]), "children": children})
