"""What every engine can do, wherever it runs."""

import os
from dataclasses import dataclass
from typing import Protocol

import pytest


class EngineUnavailable(Exception):
    """The engine cannot be had here; the message says what is missing and how to give it."""


class Engine(Protocol):
    """A server that tests talk to: started any number of times, on the same data and the same address."""

    @property
    def address(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class GivenEngine:
    """An engine whose address the environment gave: it runs already, and is not ours to stop."""

    address: str

    def start(self) -> None: ...

    def stop(self) -> None: ...


def skip_or_fail(*, reason: str) -> None:
    """What cannot be had is skipped; where engines are required, as in the project's CI, that is a failure."""
    if os.environ.get("CARELOG_REQUIRE_ENGINES") == "1":
        pytest.fail(f"CARELOG_REQUIRE_ENGINES=1, but {reason}", pytrace=False)
    pytest.skip(reason)
