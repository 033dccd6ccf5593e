"""The relay: the log on its topic, in order, under the right keys, with all that a subscriber needs."""

from uuid import UUID

import asyncpg
from aiokafka.partitioner import murmur2

from shared.contracts.envelope import from_headers
from shared.runtime.bus.relay import Relay
from shared.runtime.json import loads
from shared.runtime.mandate import fresh_id
from shared.runtime.workers import background
from tests.integration.runtime.asking import opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.harness import Bus, eventually
from tests.support.running import Running


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


async def test_a_second_relay_waits_and_takes_over(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        runtime = it.runtime
        assert runtime.relay
        await eventually(lambda: runtime.relay and runtime.relay.active)
        second = Relay(log=runtime.log, publisher=runtime.publisher, bootstrap=bus.bootstrap)
        async with background(second.run(), "second"):
            await opened(it, counts=5)
            await eventually(lambda: all_relayed(it))
            assert not second.active
            await _end_the_first(runtime.settings.postgres)
            await eventually(lambda: second.active)
            await opened(it, counts=5)
            await eventually(lambda: all_relayed(it))
    envelopes = [from_headers(one.headers, key=one.key) for one in await bus.heard()]

    assert len({one.id for one in envelopes}) == 12


async def _end_the_first(postgres: str) -> None:
    """Its connection breaks, and with it the lock that it holds."""
    connection = await asyncpg.connect(postgres)
    await connection.execute(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND l.objid = 4772212 AND l.granted AND d.datname = current_database()"
    )
    await connection.close()


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
