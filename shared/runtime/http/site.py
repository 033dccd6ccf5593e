"""What the doors of a service stand on: its running parts, its callers, and the commands that are under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from uuid import UUID

from starlette.requests import Request

from shared.contracts.envelope import Contract
from shared.runtime.http.callers import Callers
from shared.runtime.locks import KeyedLocks
from shared.runtime.settings import Settings
from shared.runtime.telemetry.metrics import Metrics


class Feed(Protocol):
    """The service's log, as far as the doors read it themselves."""

    async def contracts_after(self, position: int, limit: int) -> Sequence[Contract]: ...

    async def contracts_of(self, aggregate: UUID) -> Sequence[Contract]: ...


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
    under_way: KeyedLocks = field(default_factory=KeyedLocks)
    """the commands with an Idempotency-Key: the second waits for the first one's answer"""


def site(request: Request) -> Site:
    """Where this request came in."""
    return cast(Site, request.app.state.site)
