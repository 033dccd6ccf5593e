"""The files to bring in: which, in which order, and what is in them."""

import bz2
import gzip
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from deploy.trouble import Trouble

LARGEST = 256 * 1024 * 1024
"""bytes of an unpacked file; what is beyond is not read into memory"""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


_OPENERS: Mapping[str, Callable[[Path], AbstractContextManager[Readable]]] = {
    ".json": lambda path: path.open("rb"),
    ".bz2": bz2.BZ2File,
    ".gz": gzip.GzipFile,
}


class Unreadable(Exception):
    """The file cannot be brought in; the message says why."""


def files_at(*, path: Path) -> list[Path]:
    """The file, or those of the folder that may be Bundles, by name. Raises `Trouble` where there is none."""
    if path.is_file() and path.suffix in _OPENERS:
        return [path]
    if not path.is_dir():
        raise Trouble(f"{path} is no folder and no .json, .bz2 or .gz file.")
    found = sorted(file for file in path.iterdir() if file.is_file() and file.suffix in _OPENERS)
    if not found:
        raise Trouble(f"There are no .json, .bz2 or .gz files in {path}.")
    return found


def in_turns(*, files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Those that others refer to, `0-*`, which come in one after the other; and the rest."""
    first = [file for file in files if file.name.startswith("0-")]
    return first, [file for file in files if file not in first]


def content_of(*, path: Path) -> bytes:
    """The unpacked content. Raises `Unreadable`."""
    try:
        with _OPENERS[path.suffix](path) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise Unreadable(f"cannot be read: {type(error).__name__}") from None
    if len(content) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST // 1024**2} MB when unpacked")
    return content
