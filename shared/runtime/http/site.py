"""What the doors of a service stand on: its running parts, and its callers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from starlette.requests import Request

from shared.runtime.feed import Feed
from shared.runtime.http.callers import Callers
from shared.runtime.settings import Settings
from shared.runtime.telemetry.metrics import Metrics


class Running(Protocol):
    """The running service. `alive` and `ready` give each check's trouble by its name, or None where it is well."""

    @property
    def settings(self) -> Settings: ...

    @property
    def parts(self) -> Mapping[type[Any], Any]: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def metrics(self) -> Metrics: ...

    async def alive(self) -> Mapping[str, str | None]: ...

    async def ready(self) -> Mapping[str, str | None]: ...


@dataclass(frozen=True, slots=True)
class Site:
    runtime: Running
    callers: Callers


def site(request: Request) -> Site:
    """Where this request came in."""
    return cast(Site, request.app.state.site)
