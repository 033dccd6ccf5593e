"""The relay: the log on its topic, in order, under the right keys, with all that a subscriber needs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
from uuid import UUID

import pytest
from aiokafka.partitioner import murmur2

from shared.contracts.envelope import from_headers
from shared.runtime.bus.kafka import kafka_outlet
from shared.runtime.bus.lease import _TAKE, LAPSE, Connect, LogLease, ask_to_rewind
from shared.runtime.bus.relay import Relay
from shared.runtime.json import loads
from shared.runtime.mandate import fresh_id
from shared.runtime.workers import background, end
from tests.integration.runtime.asking import opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import service
from tests.support.harness import Bus, eventually
from tests.support.running import Running, running


@pytest.fixture
async def it(database: str, bus: Bus, tmp_path: Path) -> AsyncIterator[Running]:
    """The counters, without a relay of their own."""
    async with running(service, database=database, home=tmp_path, kafka=bus.bootstrap) as it:
        yield it


async def position(it: Running) -> int:
    return int(await it.runtime.log.pool.fetchval("SELECT position FROM relay"))


async def all_relayed(it: Running) -> bool:
    return await position(it) == await it.runtime.log.head()


async def test_every_event_is_on_the_topic_once_each_aggregates_in_order(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        ids = [await opened(it, counts=4) for _ in range(20)]
        await eventually(lambda: all_relayed(it))
    records = await bus.heard()
    said: dict[UUID, list[int]] = {id: [] for id in ids}
    for record in records:
        envelope = from_headers(record.headers, key=record.key)
        said[envelope.subject].append(envelope.sequence)

    assert set(map(tuple, said.values())) == {(1, 2, 3, 4, 5)}


async def test_a_message_is_a_cloud_event_under_its_aggregates_key(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        id = await opened(it)
        [stored] = await it.runtime.log.stream(id)
        [record] = await eventually(bus.heard)

    headers = {name: value.decode() for name, value in record.headers}
    assert record.key == str(id).encode()
    assert record.partition == (murmur2(str(id).encode()) & 0x7FFFFFFF) % 12
    assert loads(record.value) == {"limit": 1_000_000, "note": ""}
    assert headers == {
        "ce_specversion": "1.0",
        "content-type": "application/json",
        "ce_id": f"{id}.1",
        "ce_type": "records.counter.opened.v1",
        "ce_source": "/carelog/records",
        "ce_subject": str(id),
        "ce_time": stored.occurred_at.isoformat(),
        "ce_recordedtime": stored.recorded_at.isoformat(),
        "ce_dataschema": "urn:carelog:schema:records.counter.opened.v1",
        "ce_sequence": "1",
        "ce_position": "1.1",
        "ce_organization": "north",
        "ce_actor": "alice",
        "ce_role": "clinician",
        "ce_purpose": "TREAT",
        "ce_commandid": str(stored.command),
        "ce_correlationid": str(stored.command),
        "ce_origin": "live",
    }


async def test_what_belongs_to_a_patient_has_the_patients_key_and_names_its_links(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        patient, named = fresh_id(), await opened(it)
        it.runtime.log.nearness = Everybody()
        id = await opened(it, patient=patient, named=named)
        records = await eventually(lambda: _heard(bus, 2))

    [record] = [one for one in records if dict(one.headers)["ce_subject"].decode() == str(id)]
    envelope = from_headers(record.headers, key=record.key)
    assert (record.key, envelope.patient) == (str(patient).encode(), patient)
    assert envelope.links == {"counter": str(named)}
    assert envelope.causationid == f"{named}.1"


class Everybody:
    """Everybody is near to everybody."""

    async def related(self, **_: object) -> bool:
        return True

    async def patients_of(self, **_: object) -> tuple[str, ...]:
        return ()

    async def heard(self, aggregate: UUID) -> None:
        return None


async def _heard(bus: Bus, number: int) -> list[object] | None:
    records = await bus.heard()
    return list(records) if len(records) >= number else None


async def test_started_again_it_publishes_nothing_twice(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        await opened(it, counts=3)
        await eventually(lambda: all_relayed(it))
    async with work("relay") as it:
        await opened(it, counts=1)
        await eventually(lambda: all_relayed(it))

    assert len(await bus.heard()) == 6


async def test_killed_before_it_saved_its_position_it_publishes_again_what_consumers_know(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        id = await opened(it, counts=3)
        await eventually(lambda: all_relayed(it))
        await it.runtime.log.pool.execute("UPDATE relay SET position = 2")
    async with work() as it:
        await eventually(lambda: all_relayed(it))
        await opened(it)
        await eventually(lambda: shows(it, id, 3))
        assert await it.runtime.problems() == []

    assert len(await bus.heard()) == 4 + 2 + 1


async def test_the_position_is_saved_after_the_topic_has_it(work: Work, bus: Bus) -> None:
    """What the position says is there is there: asked again and again while it works."""
    async with work("relay") as it:
        for _ in range(10):
            await opened(it, counts=9)
            saved = await position(it)
            assert len(await bus.heard()) >= saved
        await eventually(lambda: all_relayed(it))


async def test_a_second_relay_waits_and_begins_when_the_first_has_ended(it: Running, bus: Bus) -> None:
    first, second = a_relay(it, bus), a_relay(it, bus)
    async with background(first.run(), "first"):
        await eventually(lambda: first.active)
        begun = asyncio.create_task(second.run())
        await opened(it, counts=5)
        await eventually(lambda: all_relayed(it))
    assert (first.published, second.published, second.position) == (6, 0, 0)

    await opened(it, counts=5)
    await eventually(lambda: all_relayed(it))
    await end(begun)
    assert second.published == len(await bus.heard()) - 6 == 6


async def test_a_relay_that_stands_still_is_replaced_and_steps_down_when_it_goes_on(it: Running, bus: Bus) -> None:
    lease = Sleeping(connect=it.runtime.log.connect)
    first, second = a_relay(it, bus, lease=lease), a_relay(it, bus)
    async with background(first.run(), "first"):
        await eventually(lambda: first.active)
        async with background(second.run(), "second"):
            lease.awake.clear()
            last = await renewed_at(it)
            await eventually(lambda: second.active)
            assert (await renewed_at(it) - last).total_seconds() < 5
            await opened(it, counts=5)
            await eventually(lambda: all_relayed(it))
            lease.awake.set()
            await eventually(lambda: first.interruptions)

    assert (first.published, first.active, second.published) == (0, False, 6)


@pytest.mark.slow
@pytest.mark.parametrize("signal", [SIGKILL, SIGSTOP], ids=["killed", "frozen"])
async def test_the_relay_of_another_process_is_replaced_within_five_seconds(
    it: Running, bus: Bus, signal: Signals
) -> None:
    """And what it still has to say when it wakes doubles nothing."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.one_relay", it.runtime.settings.postgres, bus.bootstrap
    )
    try:
        await opened(it, counts=5)
        await eventually(lambda: all_relayed(it))
        relay = a_relay(it, bus)
        async with background(relay.run(), "this"):
            writing = asyncio.create_task(opened(it, counts=50))
            other.send_signal(signal)
            last = await renewed_at(it)
            await eventually(lambda: relay.active)
            assert (await renewed_at(it) - last).total_seconds() < 5
            await writing
            await eventually(lambda: all_relayed(it))
            if signal == SIGSTOP:
                other.send_signal(SIGCONT)
            await opened(it, counts=5)
            await eventually(lambda: all_relayed(it))
            assert relay.active
    finally:
        with suppress(ProcessLookupError):
            other.kill()
        await other.wait()

    assert await in_order(bus, 6 + 51 + 6)


async def in_order(bus: Bus, number: int) -> bool:
    """Whether so many events are there, each aggregate's first time in order."""
    seen: dict[UUID, int] = {}
    for record in await bus.heard():
        envelope = from_headers(record.headers, key=record.key)
        assert envelope.sequence <= seen.get(envelope.subject, 0) + 1
        seen[envelope.subject] = max(envelope.sequence, seen.get(envelope.subject, 0))
    return sum(seen.values()) == number


async def test_what_the_operator_wants_again_is_published_again(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        id = await opened(it, counts=5)
        await eventually(lambda: all_relayed(it))
        await ask_to_rewind(it.runtime.log.pool, to=2)
        await eventually(lambda: _heard(bus, 10))
        await eventually(lambda: all_relayed(it))

    said = [from_headers(one.headers, key=one.key).id for one in await bus.heard()]
    assert said == [f"{id}.{version}" for version in (1, 2, 3, 4, 5, 6, 3, 4, 5, 6)]


async def test_a_position_that_arrives_late_does_not_take_a_later_one_back(it: Running) -> None:
    """A statement whose sender has given up may still be carried out: found by the simulation, as seed 79."""
    lease = LogLease(connect=it.runtime.log.connect)
    await lease.take()
    await lease.save(15)
    await lease.save(10)
    await lease.close()

    assert await position(it) == 15


async def test_a_lease_that_is_taken_late_does_not_take_a_wish_with_it(it: Running) -> None:
    """A statement whose sender has given up may still be carried out: found by the simulation, as seed 249."""
    lease = LogLease(connect=it.runtime.log.connect)
    given_up = (_TAKE, lease._me, fresh_id(), LAPSE)
    await lease.take()
    await lease.save(15)
    await ask_to_rewind(it.runtime.log.pool, to=2)

    assert await it.runtime.log.pool.fetchrow(*given_up) is None
    assert await lease.renew() == 2
    await lease.close()


def a_relay(it: Running, bus: Bus, *, lease: LogLease | None = None) -> Relay:
    """One more process's."""
    return Relay(
        log=it.runtime.log,
        lease=lease or LogLease(connect=it.runtime.log.connect),
        publisher=it.runtime.publisher,
        outlet=partial(kafka_outlet, bootstrap=bus.bootstrap),
    )


class Sleeping(LogLease):
    """The lease of a process that stands still while it is not awake."""

    def __init__(self, *, connect: Connect) -> None:
        super().__init__(connect=connect)
        self.awake = asyncio.Event()
        self.awake.set()

    async def renew(self) -> int | None:
        await self.awake.wait()
        return await super().renew()

    async def news(self, *, within: float) -> None:
        await self.awake.wait()
        await super().news(within=within)


async def renewed_at(it: Running) -> datetime:
    found: datetime = await it.runtime.log.pool.fetchval("SELECT renewed_at FROM relay")
    return found


async def test_two_relays_that_both_publish_double_nothing_that_is_shown(work: Work, bus: Bus) -> None:
    """A relay that was paused while another took over: all of it is on the topic twice."""
    async with work() as it:
        id = await opened(it, counts=3)
        await eventually(lambda: all_relayed(it))
        await bus.say(*await it.runtime.feed.contracts_of(id))
        await bus.say(*await it.runtime.feed.contracts_of(id))
        last = await opened(it)
        await eventually(lambda: shows(it, last, 0))
        assert await shows(it, id, 3)
        assert await it.runtime.problems() == []
