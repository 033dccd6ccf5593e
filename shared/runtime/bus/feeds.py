"""The feeds of the five services, for their consumers: the own log itself, the others over HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from shared.contracts.catalogue import contracts as catalogue
from shared.contracts.envelope import Contract, Envelope, from_headers
from shared.kernel import Unavailable
from shared.runtime.feed import AT_MOST, Each, Feed, Window
from shared.runtime.json import loads
from shared.runtime.settings import Settings

_PATIENCE = 10.0


class HttpFeed:
    """Another service's feed. The token is read from its file whenever it is used: whoever renews it writes there."""

    def __init__(self, *, client: httpx.AsyncClient, address: str, token_file: str) -> None:
        self._client = client
        self._address = address.rstrip("/")
        self._token_file = token_file

    async def contracts_after(self, position: int, limit: int) -> Sequence[Contract]:
        answer = await self._get("/feed", after=position, limit=limit)
        return [_contract(one) for one in loads(answer.content)]

    async def contracts_of(self, aggregate: UUID, *, after: int = 0, limit: int = AT_MOST) -> Sequence[Contract]:
        answer = await self._get(f"/feed/{aggregate}", after=after, limit=limit)
        return [_contract(one) for one in loads(answer.content)] if answer.status_code == httpx.codes.OK else []

    async def heads(self, after: int, *, limit: int, age: float, each: Each = "aggregate") -> Window:
        answer = await self._get("/feed/heads", after=after, limit=limit, age=age, each=each)
        heads = [_envelope(one) for one in loads(answer.content)]
        to, head = (_position(answer.headers[name]) for name in ("Carelog-Next", "Carelog-Head"))
        return Window(heads, to=to, head=head)

    async def _get(self, path: str, **query: str | float) -> httpx.Response:
        """The answer, or that there is none of it (404). Raises `Unavailable`."""
        try:
            token = await asyncio.to_thread(Path(self._token_file).read_text, "utf-8")
            headers = {"Authorization": f"Bearer {token.strip()}"}
            answer = await self._client.get(f"{self._address}{path}", params=query, headers=headers)
        except (httpx.HTTPError, OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"a feed cannot be asked ({type(error).__name__})") from None
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            raise Unavailable(f"a feed answers {answer.status_code}")
        return answer


class Feeds(Mapping[str, Feed]):
    """Each service's feed by its name, those that this one knows the address of, and its own."""

    def __init__(self, *, own: Mapping[str, Feed], settings: Settings) -> None:
        self._client = httpx.AsyncClient(timeout=_PATIENCE)
        others = {
            name: HttpFeed(client=self._client, address=address, token_file=settings.feed_token_file)
            for name, address in addresses(settings.feeds).items()
        }
        self._feeds: dict[str, Feed] = {**others, **own}

    def __getitem__(self, service: str) -> Feed:
        return self._feeds[service]

    def __iter__(self) -> Any:
        return iter(self._feeds)

    def __len__(self) -> int:
        return len(self._feeds)

    async def close(self) -> None:
        await self._client.aclose()


def addresses(said: str) -> dict[str, str]:
    """`records=http://records,billing=http://billing`, by name."""
    return dict(one.split("=", 1) for one in said.split(",") if one)


def _contract(event: Mapping[str, Any]) -> Contract:
    envelope = _envelope(event)
    try:
        return catalogue()[envelope.type].model_validate(event["data"]).within(envelope)
    except (KeyError, ValueError) as unknown:
        raise Unavailable(f"a feed tells what is not known here ({type(unknown).__name__})") from None


def _envelope(event: Mapping[str, Any]) -> Envelope:
    """From CloudEvents' structured form back to the headers of a message (see `http.feed.as_cloudevent`)."""
    headers = [
        (name if name == "traceparent" else f"ce_{name}", str(value).encode())
        for name, value in event.items()
        if name not in ("data", "partitionkey", "datacontenttype")
    ]
    return from_headers(headers, key=str(event["partitionkey"]).encode())


def _position(said: str) -> int:
    return int(said.rsplit(".", 1)[-1])
