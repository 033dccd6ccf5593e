"""Which code made a generation: a rebuild that was broken off goes on only with the code that began it."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from shared.runtime.projection import Projection


def code_of(projection: Projection[Any]) -> str:
    """A digest of everything that a fold or a render of this projection may be made of: its package, and ours."""
    package = ".".join(type(projection).__module__.split(".")[:2])
    return _digest(package)


@cache
def _digest(package: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted({package, "shared"}):
        for path in sorted(_files(name)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(package: str) -> Iterator[Path]:
    module = import_module(package)
    for folder in getattr(module, "__path__", ()):
        yield from Path(folder).rglob("*.py")
    if not hasattr(module, "__path__") and module.__file__:
        yield Path(module.__file__)
