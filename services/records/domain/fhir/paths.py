"""Reading a resource by paths such as `collection.collectedPeriod`, through lists, without knowing its type."""

from functools import lru_cache
from typing import Any


def every(value: Any, path: str) -> list[Any]:
    """All values at the path, in order; none where the path is empty or leads nowhere."""
    found = _flat([value]) if path else []
    for name in _names(path):
        if not found:
            break
        found = _flat([item[name] for item in found if type(item) is dict and name in item])
    return found


def first(value: Any, path: str) -> Any:
    """The first value at the path, or None."""
    found = every(value, path)
    return found[0] if found else None


@lru_cache(maxsize=1_024)
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _flat(values: list[Any]) -> list[Any]:
    """What is in them, in order: lists opened, nulls left out."""
    if len(values) == 1 and type(values[0]) is not list:  # as it mostly is
        return values if values[0] is not None else []
    flat: list[Any] = []
    for value in values:
        if type(value) is list:
            flat += _flat(value)
        elif value is not None:
            flat.append(value)
    return flat
