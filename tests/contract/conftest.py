"""Each of the five services in turn, and its doors with nothing behind them but one answer."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from shared.contracts.catalogue import SERVICES
from shared.kernel import CarelogError, NotFound
from shared.runtime.http.app import build_app
from shared.runtime.http.routes import is_open
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.runtime.telemetry.metrics import Metrics
from tests.support.deliveries import services


@pytest.fixture(params=SERVICES, scope="module")
def service(request: pytest.FixtureRequest) -> Service:
    """One of the five."""
    return next(one for one in services() if one.name == request.param)


@dataclass
class Refuses:
    """A part, or a feed, that answers everything with one error."""

    error: CarelogError = field(default_factory=NotFound)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def refuse(*_: object, **__: object) -> None:
            raise self.error

        return refuse


class Parts(Mapping[type[Any], Any]):
    """Every part there may be, and each refuses."""

    def __init__(self, part: Refuses) -> None:
        self._part = part

    def __getitem__(self, kind: type[Any]) -> Refuses:
        return self._part

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class NothingBehind:
    """A running service whose every part refuses."""

    settings: Settings
    parts: Parts
    feed: Any
    metrics: Metrics = field(default_factory=lambda: Metrics(service="nothing"))

    async def alive(self) -> Mapping[str, str | None]:
        return {}

    async def ready(self) -> Mapping[str, str | None]:
        return {}


@dataclass(frozen=True)
class Door:
    """One method of one path."""

    method: str
    path: str
    open: bool
    asks_more: bool
    """whether it needs what its path does not say"""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def can_be_asked(self) -> bool:
        return not self.open and not self.asks_more and self.method in ("GET", "DELETE")

    @property
    def address(self) -> str:
        """Its path with something in every place."""
        places = {"type": "Patient", "version": "1", "resource": "dr-lee"}
        parts = [part.strip("{}") if part.startswith("{") else "" for part in self.path.split("/")]
        filled = [places.get(name, str(UUID(int=1))) if name else None for name in parts]
        return "/".join(one or part for one, part in zip(filled, self.path.split("/"), strict=True))


@dataclass(frozen=True)
class Front:
    """A service's doors, and callers at them."""

    app: FastAPI
    issuer: Issuer
    behind: Refuses

    @property
    def doors(self) -> Sequence[Door]:
        return [
            Door(method, route.path or "", is_open(route.endpoint), _asks_more(route.dependant))
            for route in iter_route_contexts(self.app.routes)
            for method in sorted(route.methods or ())
        ]

    async def ask(self, door: Door, *, token: bool = True) -> httpx.Response:
        """As the system, which may go through every door; or as nobody."""
        bearer = self.issuer.token(
            subject="someone", role="system", organization="north-clinic", lifetime=timedelta(minutes=5)
        )
        headers = {"Carelog-Reason": "so it is"} | ({"Authorization": f"Bearer {bearer}"} if token else {})
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://carelog") as client:
            return await client.request(door.method, door.address, headers=headers)


def _asks_more(dependant: Any) -> bool:
    given = [*dependant.query_params, *dependant.header_params, *dependant.body_params]
    return any(one.field_info.is_required() for one in given) or any(map(_asks_more, dependant.dependencies))


@pytest.fixture(scope="module")
def front(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Front:
    """The service's doors, where everything behind them answers with an error."""
    issuer, behind = Issuer(tmp_path_factory.mktemp("issuer")), Refuses()
    settings = Settings(
        postgres="postgresql://nowhere", port=0, issuer=ISSUER, issuer_keys=str(issuer.prepare()), audience=AUDIENCE
    )
    return Front(build_app(service, NothingBehind(settings, Parts(behind), behind)), issuer, behind)
