"""A small disk of one's own, which can be filled and freed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.row import NotHere

_PIECE = b"\0" * (1 << 16)


class SmallDisk:
    """A file system in memory, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> int:
        """Not a byte is left: the number of bytes that were."""
        written = 0
        with self._filler.open("ab", buffering=0) as file:
            piece = _PIECE
            while piece:
                try:
                    written += file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]
        return written

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted meanwhile. Raises `NotHere` where nothing may be mounted."""
    path.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "carelog-faults", str(path)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        raise NotHere(f"no file system may be mounted ({mounted.stderr.strip()})")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: who still has a file open there keeps it for as long as it lives.
        subprocess.run(["umount", "-l", str(path)], capture_output=True)
