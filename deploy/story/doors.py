"""The doors of the five services, as a caller who is not put off: what is away for a moment is asked again."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.story.cast import Caller
from deploy.trouble import Trouble

_PAUSE = 0.1
_AWAY = frozenset({502, 503, 504})


class Unexpected(Trouble):
    """A door answered something else than the story needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Of a problem, its short name."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Doors:
    """`addresses` by service; `token` makes a caller's. `patience`: seconds to wait for who does not answer."""

    def __init__(
        self,
        *,
        addresses: Mapping[str, str],
        token: Callable[[Caller], str],
        patience: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._addresses = addresses
        self._token = token
        self._tokens: dict[Caller, str] = {}
        self._patience = patience
        self._client = httpx.AsyncClient(timeout=30, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self,
        caller: Caller,
        method: str,
        service: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The door's answer, whatever it says. Raises `Trouble` when nobody answers in time."""
        deadline = monotonic() + self._patience
        while True:
            answer = await self._once(caller, method, f"{self._addresses[service]}{path}", body, headers or {})
            if answer is not None and answer.status not in _AWAY:
                return answer
            if monotonic() > deadline:
                raise Trouble(f"{service} does not answer ({method} {path.partition('?')[0]}).")
            await asyncio.sleep(_PAUSE)

    async def _once(
        self, caller: Caller, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> Answer | None:
        if caller not in self._tokens:
            self._tokens[caller] = self._token(caller)
        own = {**headers, "Authorization": f"Bearer {self._tokens[caller]}"}
        try:
            said = await self._client.request(method, url, json=body, headers=own)
        except httpx.TransportError:
            return None
        is_json = "json" in said.headers.get("content-type", "")
        return Answer(
            status=said.status_code, body=said.json(parse_float=Decimal) if is_json else None, headers=said.headers
        )
