"""A good client: sends the same again, with the same key, where nobody answered or the answer was "later"."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from time import monotonic
from typing import Any

import httpx

from deploy.story.cast import Caller
from tests.faults.grounds.ground import Ground

LATER = frozenset({502, 503, 504})
HUNG = 30.0
"""seconds without an answer, which nobody should wait"""
_PAUSE = 0.1
_TOKEN_FOR = 1800.0


class NoAnswer(Exception):
    """Nobody answered in all the time that was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The one that stands, and how many tries were needed for it."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str
    tries: int = 1

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Trouble:
    """How clients fared on the way to their answers."""

    later: int = 0
    """answers that said "later" (503 and its kind)"""
    unreached: int = 0
    """tries that found nobody at all: the connection was refused"""
    broken: int = 0
    """tries whose connection ended before the answer came"""
    hung: int = 0
    """tries without an answer for `HUNG` seconds"""
    slowest: float = 0.0
    """seconds that the slowest answer to one try took"""


class Client:
    """One for many callers. Where a service has several addresses, each next try goes to the next of them."""

    def __init__(self, ground: Ground, *, connections: int = 100) -> None:
        self._ground = ground
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(timeout=HUNG, limits=limits, trust_env=False)
        self._tokens: dict[Caller, tuple[float, str]] = {}
        self._turns = cycle(range(1_000_000))
        self.trouble = Trouble()
        self.took: list[float] = []
        """seconds to the answer of each try that had one"""

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(
        self,
        caller: Caller,
        method: str,
        service: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 120.0,
    ) -> Answer:
        """The answer that stands. Raises `NoAnswer`."""
        deadline = monotonic() + patience
        tries = 0
        while True:
            tries += 1
            answer = await self._once(caller, method, service, path, body, headers or {})
            if answer is not None and answer.status_code not in LATER:
                return Answer(
                    status=answer.status_code,
                    body=_json(answer),
                    headers=answer.headers,
                    text=answer.text,
                    tries=tries,
                )
            if monotonic() > deadline:
                raise NoAnswer(f"{method} {path.partition('?')[0]} of {service} in {patience:.0f} s")
            await asyncio.sleep(_PAUSE)

    async def _once(
        self, caller: Caller, method: str, service: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> httpx.Response | None:
        began = monotonic()
        own = {**headers, "Authorization": f"Bearer {self._token(caller)}"}
        try:
            answer = await self._http.request(method, f"{self._address(service)}{path}", json=body, headers=own)
        except httpx.ConnectError:
            self.trouble.unreached += 1
        except httpx.TimeoutException:
            self.trouble.hung += 1
        except httpx.TransportError:
            self.trouble.broken += 1
        else:
            self.trouble.later += answer.status_code in LATER
            self.took.append(monotonic() - began)
            self.trouble.slowest = max(self.trouble.slowest, self.took[-1])
            return answer
        return None

    def percentile(self, share: float) -> float:
        """Milliseconds in which this share of the tries was answered."""
        ordered = sorted(self.took) or [0.0]
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def _address(self, service: str) -> str:
        there = self._ground.addresses(service)
        return there[next(self._turns) % len(there)]

    def _token(self, caller: Caller) -> str:
        until, token = self._tokens.get(caller, (0.0, ""))
        if monotonic() > until:
            token = self._ground.token(caller)
            self._tokens[caller] = (monotonic() + _TOKEN_FOR, token)
        return token


def _json(answer: httpx.Response) -> Any:
    return answer.json(parse_float=Decimal) if "json" in answer.headers.get("content-type", "") else None
