"""A limit on the memory of one process, by a control group of its own: beyond it the kernel ends the process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.row import NotHere

_ROOT = Path("/sys/fs/cgroup")


class MemoryLimit:
    """A group of processes that together may have so much memory."""

    def __init__(self, folder: Path, *, limit: str) -> None:
        self._folder = folder
        self._limit = limit

    def set(self, *, pid: int, more: int) -> None:
        """From now on the process may take `more` bytes beside what it had before: that stays where it was counted."""
        (self._folder / self._limit).write_text(str(more))
        (self._folder / "cgroup.procs").write_text(str(pid))


@contextmanager
def memory_limit() -> Iterator[MemoryLimit]:
    """A group that is gone afterwards. Raises `NotHere` where none may be made."""
    found = _places()
    if not found:
        raise NotHere("no memory control group is mounted")
    parent, limit = found[0]
    folder = parent / f"carelog-faults-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as no:
        raise NotHere(f"no control group may be made ({no.strerror})") from None
    try:
        if not (folder / limit).exists():
            raise NotHere("control groups here do not limit memory")
        yield MemoryLimit(folder, limit=limit)
    finally:
        with suppress(OSError):
            _give_back(folder, parent)
            folder.rmdir()


def _places() -> list[tuple[Path, str]]:
    """Version 1 has a tree for memory alone; version 2 one tree for all."""
    return [
        (parent, limit)
        for parent, limit in ((_ROOT / "memory", "memory.limit_in_bytes"), (_ROOT, "memory.max"))
        if (parent / "cgroup.procs").exists()
    ]


def _give_back(folder: Path, parent: Path) -> None:
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(OSError):
            (parent / "cgroup.procs").write_text(pid)
