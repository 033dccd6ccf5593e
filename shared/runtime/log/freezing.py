"""An aggregate's state as bytes, exactly: decimals, instants, ids, events in the state, and all else it is made of.

Python's own pickle, which keeps every type; but what is read back may name only the classes of the aggregate's own
package, the kernel's, and a few of the standard library's: nothing that does anything.
"""

import hashlib
import io
import pickle
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shared.kernel import Aggregate

_FORMAT = 1
_KERNEL = "shared.kernel"
_READERS = ("shared.runtime.json", "shared.runtime.log.mapper")
_LIBRARIES = ("eventsourcing", "pydantic", "msgspec")
_KNOWN = frozenset(
    {
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("pydantic_core._pydantic_core", "TzInfo"),
        ("uuid", "SafeUUID"),
        ("uuid", "UUID"),
    }
)


class Unfreezable(Exception):
    """This state has no bytes."""


class Unthawable(Exception):
    """These bytes are not the state of such an aggregate."""


def freeze(aggregate: Aggregate) -> bytes:
    """Its state; nothing of it may wait to be stored. Raises `Unfreezable`."""
    if aggregate.pending_events:
        raise Unfreezable("it has events that are not stored")
    try:
        return pickle.dumps(aggregate, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as broken:
        raise Unfreezable(type(aggregate).__qualname__) from broken


def thaw(frozen: bytes, kind: type[Aggregate]) -> Any:
    """A new aggregate of this kind, or of a sibling, which shares nothing with any other. Raises `Unthawable`."""
    try:
        found = _Reader(frozen, package=_package(kind)).load()
    except Exception as broken:  # noqa: BLE001 - bytes that are not what they should be can end in anything
        raise Unthawable(type(broken).__name__) from None
    if not isinstance(found, Aggregate):
        raise Unthawable(type(found).__name__)
    return found


@cache
def maker(kind: type[Aggregate]) -> bytes | None:
    """A digest of all code that a state of this kind comes from; None where the code is not there to be read.

    Another release that changed none of it may go on with the same snapshots.
    """
    made = hashlib.sha256(f"{_FORMAT} {sys.version_info[:2]} {[version(name) for name in _LIBRARIES]}".encode())
    for package in (_package(kind), _KERNEL, *_READERS):
        sources = list(_sources(package))
        if not sources:
            return None
        for source in sources:
            made.update(hashlib.sha256(source).digest())
    return made.digest()


def _package(kind: type[Aggregate]) -> str:
    return kind.__module__.rpartition(".")[0]


def _sources(name: str) -> Iterator[bytes]:
    module = sys.modules[name]
    found = Path(module.__file__ or "")
    files = sorted(found.parent.rglob("*.py")) if found.name == "__init__.py" else [found]
    for file in files:
        if file.is_file():
            yield file.read_bytes()


class _Reader(pickle.Unpickler):
    def __init__(self, frozen: bytes, *, package: str) -> None:
        super().__init__(io.BytesIO(frozen))
        self._package = package

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if (module, name) in _KNOWN or self._is_ours(module) else None
        if not isinstance(found, type) or (self._is_ours(module) and found.__module__ != module):
            raise Unthawable(f"{module}:{name}")
        return found

    def _is_ours(self, module: str) -> bool:
        return any(module == one or module.startswith(f"{one}.") for one in (self._package, _KERNEL))
