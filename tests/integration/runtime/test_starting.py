"""A process that starts before its database waits for it; one that cannot start at all says so."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from shared.kernel import Unavailable
from shared.runtime.main import started
from shared.runtime.runtime import Runtime
from shared.runtime.settings import Settings
from tests.support.counters import service
from tests.support.harness import eventually
from tests.support.proxy import Proxy, postgres_behind, postgres_through


@dataclass
class Starting:
    """A runtime whose start comes to these ends, one after the other."""

    ends: list[Exception | None]
    starts: int = field(default=0)

    async def start(self) -> None:
        self.starts += 1
        if end := self.ends.pop(0):
            raise end


async def test_it_starts_when_the_stores_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.main._PAUSES", (0.0,))
    starting = Starting([ConnectionRefusedError(), asyncpg.CannotConnectNowError(), Unavailable(), None])
    await started(cast(Runtime, starting))

    assert starting.starts == 4


@pytest.mark.parametrize("error", [asyncpg.InvalidPasswordError(), asyncpg.ClientConfigurationError("no address")])
async def test_what_will_not_change_is_said_at_once(error: Exception) -> None:
    starting = Starting([error])
    with pytest.raises(type(error)):
        await started(cast(Runtime, starting))

    assert starting.starts == 1


async def test_stores_that_stay_away_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.main._PATIENCE", 0.1)
    starting = Starting([ConnectionRefusedError()] * 10)
    with pytest.raises(ConnectionRefusedError):
        await started(cast(Runtime, starting))


def runtime_of(postgres: str, home: Path) -> Runtime:
    settings = Settings(postgres=postgres, kafka="127.0.0.1:1", port=1, issuer="nobody", issuer_keys=str(home / "none"))
    return Runtime(service=service, settings=settings)


async def test_a_database_that_comes_later_is_waited_for(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.main._PAUSES", (0.05,))
    async with Proxy(to=postgres_behind(database)) as proxy:
        proxy.refuse()
        runtime = runtime_of(postgres_through(database, proxy), tmp_path)
        starting = asyncio.create_task(started(runtime))
        await eventually(lambda: proxy.accepted > 2)
        assert not starting.done()
        proxy.heal()
        await starting
        assert await runtime.log.head() == 0
        await runtime.stop()


async def test_a_try_that_came_half_way_leaves_nothing_open(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("shared.runtime.log.writing.Writing.open", refuses)
    with pytest.raises(ConnectionResetError):
        await runtime_of(database, tmp_path).start()
    await eventually(lambda: _alone(database))


async def _alone(database: str) -> bool:
    """Whether nobody but who asks has a session."""
    connection = await asyncpg.connect(database)
    try:
        return bool(
            await connection.fetchval("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()")
        )
    finally:
        await connection.close()
