"""Whether the service is well, for anybody; and its log, for systems."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from shared.contracts.envelope import Contract, Envelope
from shared.runtime.http import health
from tests.unit.runtime.http.world import World


class NoteWritten(Contract):
    """A note was written."""

    TYPE = "world.note.written.v1"

    weight: Decimal


def written(aggregate: UUID, version: int, position: int) -> Contract:
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    envelope = Envelope(
        id=f"{aggregate}.{version}", type=NoteWritten.TYPE, source="/carelog/world", subject=aggregate, time=at,
        recordedtime=at, sequence=version, position=f"1.{position}", key="k", organization="north", actor="ann",
        role="clinician", purpose="TREAT", commandid=uuid4(), correlationid=uuid4(), links={"referral": "r"},
    )  # fmt: skip
    return NoteWritten(weight=Decimal("51.30")).within(envelope)


async def test_a_service_that_is_well_says_so_to_anybody(world: World) -> None:
    async with world.client("") as nobody:
        for path in ("/health/live", "/health/ready"):
            answer = await nobody.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failing": []})


async def test_failing_checks_are_named_and_not_explained(world: World) -> None:
    world.runtime.troubles = {"log": "password of 10.0.0.7 is wrong", "documents": None}
    async with world.client("") as nobody:
        answer = await nobody.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing", "failing": ["log"]})


async def test_a_check_that_hangs_has_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs() -> Mapping[str, str | None]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(health, "_PATIENCE", 0.01)
    monkeypatch.setattr(world.runtime, "alive", hangs)
    async with world.client("") as nobody:
        answer = await nobody.get("/health/live")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["timeout"])


async def test_a_check_that_breaks_has_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks() -> Mapping[str, str | None]:
        raise OSError("10.0.0.7")

    monkeypatch.setattr(world.runtime, "ready", breaks)
    async with world.client("") as nobody:
        answer = await nobody.get("/health/ready")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["OSError"])


async def test_a_system_reads_the_log_from_its_beginning_to_its_end(world: World) -> None:
    note = uuid4()
    world.runtime.feed.contracts = [written(note, n, n) for n in range(1, 6)]
    seen, after = [], "0"
    async with world.client(role="system") as system:
        while batch := (answer := await system.get("/feed", params={"after": after, "limit": 2})).json():
            seen += [event["id"] for event in batch]
            after = answer.headers["carelog-next"]
    assert seen == [f"{note}.{n}" for n in range(1, 6)]
    assert after == "1.5" == answer.headers["carelog-next"]


async def test_an_event_of_the_feed_says_what_its_message_says(world: World) -> None:
    note = uuid4()
    world.runtime.feed.contracts = [written(note, 1, 1), written(uuid4(), 1, 2)]
    async with world.client(role="system") as system:
        answer = await system.get(f"/feed/{note}")
    [event] = answer.json()
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    assert {name: event[name] for name in ("specversion", "type", "subject", "sequence", "position")} == {
        "specversion": "1.0", "type": "world.note.written.v1", "subject": str(note), "sequence": "1", "position": "1.1",
    }  # fmt: skip
    assert (event["partitionkey"], event["linkreferral"], event["datacontenttype"]) == ("k", "r", "application/json")
    assert b'"data":{"weight":51.30}' in answer.content


async def test_an_aggregate_is_read_page_by_page(world: World) -> None:
    note = uuid4()
    world.runtime.feed.contracts = [written(note, n, n) for n in range(1, 4)]
    async with world.client(role="system") as system:
        first = await system.get(f"/feed/{note}", params={"limit": 2})
        rest = await system.get(f"/feed/{note}", params={"after": first.headers["carelog-next"]})
        none = await system.get(f"/feed/{note}", params={"after": rest.headers["carelog-next"]})
    assert [[event["sequence"] for event in page.json()] for page in (first, rest, none)] == [["1", "2"], ["3"], []]


async def test_the_heads_are_the_newest_of_each_aggregate_without_what_they_say(world: World) -> None:
    note, other = uuid4(), uuid4()
    world.runtime.feed.contracts = [written(note, 1, 1), written(note, 2, 2), written(other, 1, 3)]
    async with world.client(role="system") as system:
        answer = await system.get("/feed/heads")
        every = await system.get("/feed/heads", params={"each": "event", "limit": 2})
    assert [event["id"] for event in answer.json()] == [f"{note}.2", f"{other}.1"]
    assert not any("data" in event for event in answer.json())
    assert (answer.headers["carelog-next"], answer.headers["carelog-head"]) == ("3", "3")
    assert [event["id"] for event in every.json()] == [f"{note}.1", f"{note}.2"]


async def test_an_unknown_aggregate_has_no_feed(world: World) -> None:
    async with world.client(role="system") as system:
        assert (await system.get(f"/feed/{uuid4()}")).status_code == 404


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.2.3", "limit=0", "limit=1001", "limit=1e9"])
async def test_a_feed_is_read_within_bounds(world: World, query: str) -> None:
    async with world.client(role="system") as system:
        assert (await system.get(f"/feed?{query}")).status_code == 422


@pytest.mark.parametrize("role", ["clinician", "administrator", "auditor"])
async def test_the_feed_is_for_systems_alone(world: World, role: str) -> None:
    async with world.client(role=role) as somebody:
        assert (await somebody.get("/feed")).status_code == 403
