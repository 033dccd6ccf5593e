"""Reading a resource by paths such as `collection.collectedPeriod`, through lists, without knowing its type."""

from collections.abc import Iterator
from typing import Any


def every(value: Any, path: str) -> Iterator[Any]:
    """All values at the path, in order; none where the path is empty or leads nowhere."""
    if path:
        yield from _walk(value, path.split("."))


def first(value: Any, path: str) -> Any:
    """The first value at the path, or None."""
    return next(every(value, path), None)


def _walk(value: Any, names: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, names)
    elif not names:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from _walk(value.get(names[0]), names[1:])
