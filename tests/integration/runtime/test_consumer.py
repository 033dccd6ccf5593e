"""A consumer group: handled, then committed; what cannot be applied is set aside with its source, and no other."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from shared.contracts.envelope import Contract, Envelope, to_headers
from shared.kernel import Unavailable, named_id
from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.kafka import inlets
from shared.runtime.bus.relay import partition_of, value_of
from shared.runtime.log import Log
from shared.runtime.nearness import Stranger
from shared.runtime.reports import Reports
from shared.runtime.workers import background
from tests.support.counters import CounterOpened
from tests.support.harness import Bus, Headers, eventually
from tests.support.running import said

TOPIC = "carelog.records.v1"
CANARY = "CANARY-Jane-Doe"
Start = Callable[[], AbstractAsyncContextManager[Consumer]]


class Applied:
    """A listener that remembers what it was given; it may be away, or unable to apply some."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.batches: list[int] = []
        self.away = False
        self.broken: set[str] = set()

    def hears(self, type: str) -> bool:
        return not type.startswith("records.patient.")

    def wants(self, envelope: Envelope) -> bool:
        return True

    async def handle(self, contracts: Sequence[Contract]) -> None:
        if self.away:
            raise Unavailable
        if any(one.envelope.id in self.broken for one in contracts):
            raise ValueError(CANARY)
        self.ids += [one.envelope.id for one in contracts]
        self.batches.append(len(contracts))


@pytest.fixture
def applied() -> Applied:
    return Applied()


@pytest.fixture
async def reports(database: str) -> AsyncIterator[Reports]:
    log = Log(dsn=database, nearness=Stranger())
    await log.start()
    yield Reports(log=log)
    await log.stop()


@pytest.fixture
def consuming(bus: Bus, applied: Applied, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> Start:
    """The consumer, at work; `async with consuming() as consumer`."""
    monkeypatch.setattr("shared.runtime.bus.handling._LOOK", 0.1)
    monkeypatch.setattr("shared.runtime.bus.consumer._IDLE_MS", 100)

    @asynccontextmanager
    async def start() -> AsyncIterator[Consumer]:
        joins = inlets(bootstrap=bus.bootstrap)
        consumer = Consumer(joins, group="g", topics=[TOPIC], listener=applied, parking=reports.parking)
        async with background(consumer.run(), "consumer"):
            yield consumer

    return start


def opened(name: str, *, version: int = 1) -> Contract:
    """A counter was opened, of this name; it is its key too."""
    return said(CounterOpened(limit=1), subject=named_id(name), organization="north", patient=None, version=version)


def beside(contract: Contract, number: int) -> Contract:
    """Of another aggregate, on the same partition (0) or on the next ones."""
    wanted = (partition_of(contract.envelope.key) + number) % 12
    names = (f"beside-{n}" for n in range(1000))
    return next(one for one in map(opened, names) if partition_of(one.envelope.key) == wanted)


async def rows(reports: Reports) -> list[dict[str, Any]]:
    found = await reports._log.pool.fetch("SELECT * FROM parked ORDER BY partition, offset_at")
    return [dict(row) for row in found]


async def test_what_was_handled_is_committed_and_not_given_again(bus: Bus, applied: Applied, consuming: Start) -> None:
    await bus.say(*(opened(f"c{n}") for n in range(50)))
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 50))
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 50))

    assert sorted(applied.ids) == sorted(f"{named_id(f'c{n}')}.1" for n in range(50))


async def done(consumer: Consumer, messages: int) -> bool:
    return await consumer.place() == (messages, messages)


async def test_what_nobody_wants_is_not_even_read(bus: Bus, applied: Applied, consuming: Start) -> None:
    stranger = dict(to_headers(opened("a").envelope)) | {"ce_type": b"records.patient.registered.v1"}
    await bus.put(b"not JSON", stranger.items())
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 1))

    assert applied.ids == []


POISON: dict[str, Callable[[Contract], tuple[bytes | None, Headers]]] = {
    "not JSON": lambda one: (CANARY.encode(), to_headers(one.envelope)),
    "nothing": lambda one: (None, to_headers(one.envelope)),
    "no headers": lambda one: (value_of(one), []),
    "another type": lambda one: (json.dumps({"limit": CANARY}).encode(), to_headers(one.envelope)),
    "not an object": lambda one: (b"[1]", to_headers(one.envelope)),
    "an unknown contract": lambda one: (value_of(one), changed(one, ce_type=b"records.cake.eaten.v1")),
    "a version of tomorrow": lambda one: (value_of(one), changed(one, ce_type=b"records.counter.opened.v2")),
    "no number where one must be": lambda one: (value_of(one), changed(one, ce_sequence=CANARY.encode())),
    "headers that are not text": lambda one: (value_of(one), changed(one, ce_actor=b"\xff")),
    "an empty header": lambda one: (value_of(one), changed(one, ce_actor=None)),
    "an empty id": lambda one: (b"", changed(one, ce_id=None)),
    "an id that no table takes": lambda one: (b"", changed(one, ce_id=b"\x00" + CANARY.encode())),
}


def changed(contract: Contract, **headers: bytes | None) -> Headers:
    return (dict(to_headers(contract.envelope)) | headers).items()


@pytest.mark.parametrize("kind", POISON)
async def test_a_message_that_cannot_be_applied_is_set_aside_with_what_follows_of_its_source(
    bus: Bus, applied: Applied, reports: Reports, consuming: Start, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = opened("bad")
    first, behind, elsewhere = beside(bad, 0), opened("bad", version=2), beside(bad, 1)
    value, headers = POISON[kind](bad)
    await bus.say(first)
    await bus.put(value, headers, key=bad.envelope.key)
    await bus.say(behind, elsewhere)
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 4))
        [row, *rest] = await rows(reports)

    alone = row["source"] is None
    expected = (first, elsewhere, *((behind,) if alone else ()))
    assert sorted(applied.ids) == sorted(one.envelope.id for one in expected)
    assert [one["event"] for one in rest] == ([] if alone else [behind.envelope.id])
    assert (row["consumer"], row["topic"], row["partition"]) == ("g", TOPIC, partition_of(bad.envelope.key))
    assert (row["offset_at"], row["key"], row["value"]) == (1, bad.envelope.key.encode(), value)
    assert row["event"] in (bad.envelope.id, "?")
    said = {name: text for name, text in row.items() if name not in ("value", "headers")}
    assert CANARY not in f"{said} {caplog.text} {await reports.problems()}"


async def test_what_cannot_be_applied_waits_with_what_follows_until_it_is_wanted_again(
    bus: Bus, applied: Applied, reports: Reports, consuming: Start
) -> None:
    stream = [opened("bad", version=n) for n in range(1, 6)]
    applied.broken = {stream[1].envelope.id}
    await bus.say(*stream[:3])
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 3))
    async with consuming() as consumer:
        await bus.say(*stream[3:])
        await eventually(lambda: done(consumer, 5))
        assert applied.ids == [stream[0].envelope.id]
        assert [row["error"].split(" | ")[0] for row in await rows(reports)] == ["ValueError", *["Behind"] * 3]
        applied.broken = set()
        await want_again(reports)
        await eventually(lambda: _none_of(reports))
        await bus.say(opened("bad", version=6))
        await eventually(lambda: done(consumer, 6))

    assert applied.ids == [one.envelope.id for one in (*stream, opened("bad", version=6))]


async def test_what_fails_again_stays_with_all_that_is_behind_it(
    bus: Bus, applied: Applied, reports: Reports, consuming: Start
) -> None:
    stream = [opened("bad", version=n) for n in (1, 2, 3)]
    applied.broken = {stream[0].envelope.id}
    await bus.say(*stream)
    async with consuming() as consumer:
        await eventually(lambda: done(consumer, 3))
        applied.broken = {stream[1].envelope.id}
        await want_again(reports)
        left = await eventually(lambda: _left(reports, 2))

    assert applied.ids == [stream[0].envelope.id]
    assert [row["error"].split(" | ")[0] for row in left] == ["ValueError", "Behind"]


async def _left(reports: Reports, number: int) -> list[dict[str, Any]] | None:
    """So many, none of which is wanted."""
    found = await rows(reports)
    return found if len(found) == number and not any(row["replay_wanted"] for row in found) else None


async def want_again(reports: Reports) -> None:
    await reports._log.pool.execute("UPDATE parked SET replay_wanted = true")


async def _none_of(reports: Reports) -> bool:
    return not await rows(reports)


async def test_while_what_it_needs_is_away_it_waits_and_then_goes_on_in_order(
    bus: Bus, applied: Applied, reports: Reports, consuming: Start
) -> None:
    stream = [opened("a", version=n) for n in range(1, 31)]
    applied.away = True
    await bus.say(*stream[:10])
    async with consuming() as consumer:
        await eventually(consumer.place)
        await bus.say(*stream[10:])
        assert applied.ids == []
        assert await consumer.place() == (0, 30)
        applied.away = False
        await eventually(lambda: done(consumer, 30))

    assert applied.ids == [one.envelope.id for one in stream]
    assert await rows(reports) == []


async def test_when_another_member_comes_and_goes_nothing_is_lost(bus: Bus, applied: Applied, consuming: Start) -> None:
    async with consuming() as first:
        for n in (1, 2):
            async with consuming() as other:
                await eventually(partial(shared_out, first, other))
                await bus.say(*(opened(f"{n}.{m}") for m in range(30)))
                await eventually(partial(knows, applied, n * 30))
        await eventually(lambda: done(first, 60))

    assert set(applied.ids) == {f"{named_id(f'{n}.{m}')}.1" for n in (1, 2) for m in range(30)}


def knows(applied: Applied, number: int) -> bool:
    return len(set(applied.ids)) == number


async def shared_out(first: Consumer, other: Consumer) -> bool:
    """Both hold some of the partitions."""
    held = [one._inlet.assignment() if one._inlet else set() for one in (first, other)]
    return all(held) and sum(map(len, held)) == 12
