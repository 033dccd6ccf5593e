"""Another service's feed over HTTP says what its owner's log says, envelope and all."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.contracts.catalogue import contracts
from shared.kernel import Role, Unavailable
from shared.runtime.bus.feeds import HttpFeed
from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import opened
from tests.integration.runtime.conftest import OURS, Work
from tests.support.running import Running


@pytest.fixture(autouse=True)
def counters_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.feeds.catalogue", lambda: {**contracts(), **OURS})


@pytest.fixture
async def it(work: Work) -> AsyncIterator[Running]:
    async with work("worker") as it:
        yield it


def asked(it: Running, token_file: Path, *, role: Role = "system") -> HttpFeed:
    token = it.issuer.token(subject="billing", role=role, organization="carelog", lifetime=timedelta(minutes=5))
    token_file.write_text(f"{token}\n", "utf-8")
    client = httpx.AsyncClient(transport=httpx.ASGITransport(it.app))
    return HttpFeed(client=client, address="http://records/", token_file=str(token_file))


def said(contracts: Any) -> list[tuple[Any, Any]]:
    return [(one.envelope, one) for one in contracts]


async def test_it_says_what_the_owner_s_log_says(it: Running, tmp_path: Path) -> None:
    id, other = await opened(it, counts=4), await opened(it)
    await it.runtime.log.pool.execute("UPDATE relay SET position = 5")
    feed, own = asked(it, tmp_path / "token"), it.runtime.feed

    assert said(await feed.contracts_of(id)) == said(await own.contracts_of(id))
    assert said(await feed.contracts_of(id, after=2, limit=2)) == said(await own.contracts_of(id))[2:4]
    assert said(await feed.contracts_after(1, 3)) == said(await own.contracts_after(1, 3))
    assert await feed.heads(0, limit=100, age=0) == await own.heads(0, limit=100, age=0)
    assert await feed.heads(2, limit=2, age=0, each="event") == await own.heads(2, limit=2, age=0, each="event")
    assert await feed.contracts_of(fresh_id()) == []
    assert other not in [head.subject for head in (await feed.heads(0, limit=100, age=0)).heads]


async def test_the_heads_are_of_what_is_published_and_old_enough(it: Running, tmp_path: Path) -> None:
    id = await opened(it, counts=4)
    feed = asked(it, tmp_path / "token")
    none = await feed.heads(0, limit=100, age=0)
    await it.runtime.log.pool.execute("UPDATE relay SET position = 4")
    young, [head] = await feed.heads(0, limit=100, age=60), (await feed.heads(0, limit=100, age=0)).heads

    assert (none.heads, none.to, none.head) == ([], 0, 0)
    assert (young.heads, young.to, young.head) == ([], 0, 4)
    assert head.id == f"{id}.4"


async def test_whoever_may_not_ask_or_cannot_be_asked_is_waited_for(it: Running, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="403"):
        await asked(it, tmp_path / "token", role="clinician").contracts_of(fresh_id())
    feed = asked(it, tmp_path / "token")
    (tmp_path / "token").unlink()
    with pytest.raises(Unavailable, match="FileNotFoundError"):
        await feed.heads(0, limit=1, age=0)
