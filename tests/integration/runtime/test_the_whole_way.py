"""From a request to the document: what is written can be read, is the same everywhere, and belongs to one trace."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.contracts.envelope import from_headers
from shared.contracts.records import PatientRegistered
from shared.contracts.referrals import ReferralCancellationConfirmed, ReferralDeclined, ReferralSent
from shared.kernel import Unavailable
from shared.runtime.json import canonical, loads
from shared.runtime.mandate import fresh_id
from tests.integration.runtime.asking import HEART, NORTH, opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.harness import Bus, eventually
from tests.support.running import Running, said


async def post(it: Running, *, organization: str = NORTH, key: str = "", **body: Any) -> httpx.Response:
    client = await it.at(organization, role="clinician")
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/counters", json=body, headers=headers)


# reading one's own writes -------------------------------------------------------------------------------------------


async def test_a_read_waits_for_the_version_that_it_asks_for(work: Work) -> None:
    async with work() as it:
        client = await it.at(NORTH, role="clinician")
        id = (await post(it)).json()["id"]
        for expected in range(1, 6):
            counted = (await client.post(f"/counters/{id}/count")).json()
            read = await client.get(f"/counters/{id}", headers={"Carelog-Wait-For": f"{id}.{counted['version']}"})
            assert (read.status_code, read.json()["total"]) == (200, expected)


async def test_a_version_that_does_not_come_in_time_is_said_so(work: Work) -> None:
    async with work("relay", wait_limit=0.2) as it:
        client = await it.at(NORTH, role="clinician")
        id = (await post(it)).json()["id"]
        read = await client.get(f"/counters/{id}", headers={"Carelog-Wait-For": f"{id}.1"})

    assert (read.status_code, read.headers["retry-after"]) == (503, "1")


# relationships ------------------------------------------------------------------------------------------------------


async def test_a_sent_referral_brings_a_care_relationship_and_its_end_ends_it(work: Work, bus: Bus) -> None:
    ann, referral, second = fresh_id(), fresh_id(), fresh_id()

    async def tell(contract: Any, subject: UUID, version: int) -> None:
        await bus.say(said(contract, subject=subject, organization=NORTH, patient=ann, version=version))

    async with work() as it:
        near = it.runtime.nearness

        async def related() -> bool:
            return await near.related(organization=HEART, patient=ann)

        async def unrelated() -> bool:
            return not await related()

        assert (await post(it, organization=HEART, patient=str(ann))).status_code == 404
        await tell(PatientRegistered(resource={"resourceType": "Patient"}), ann, 1)
        await eventually(lambda: near.related(organization=NORTH, patient=ann))
        assert not await related()

        await tell(sent(), referral, 1)
        await eventually(related)
        assert (await post(it, organization=HEART, patient=str(ann))).status_code == 201
        assert await near.patients_of(organization=HEART) == {str(ann): None}

        await tell(
            ReferralDeclined(status="rejected", business_status="4.0", transition="1", reason="full"), referral, 2
        )
        await eventually(unrelated)
        assert (await post(it, organization=HEART, patient=str(ann))).status_code == 404

        await tell(sent(), second, 1)
        await eventually(related)
        await tell(ReferralCancellationConfirmed(status="cancelled", business_status="6.0", transition="1"), second, 2)
        await eventually(unrelated)
        assert await near.related(organization=NORTH, patient=ann)


def sent() -> ReferralSent:
    return ReferralSent(status="received", business_status="2.0", transition="1", initiator=NORTH, recipient=HEART)


async def test_after_the_end_only_what_it_recorded_itself_stays_readable(work: Work, bus: Bus) -> None:
    ann, referral = fresh_id(), fresh_id()
    registered = PatientRegistered(resource={"resourceType": "Patient"})
    declined = ReferralDeclined(status="rejected", business_status="4.0", transition="1", reason="full")
    async with work() as it:
        await bus.say(said(registered, subject=ann, organization=NORTH, patient=ann))
        await bus.say(said(sent(), subject=referral, organization=NORTH, patient=ann))
        await eventually(lambda: it.runtime.nearness.related(organization=HEART, patient=ann))
        theirs = (await post(it, patient=str(ann))).json()["id"]
        ours = (await post(it, organization=HEART, patient=str(ann))).json()["id"]
        heart = await it.at(HEART, role="clinician")
        await eventually(lambda: _read(heart, theirs, 200))
        await bus.say(said(declined, subject=referral, organization=HEART, patient=ann, version=2))
        await eventually(lambda: _read(heart, theirs, 404))

        assert await _read(heart, ours, 200)


async def _read(client: httpx.AsyncClient, id: str, status: int) -> bool:
    return (await client.get(f"/counters/{id}")).status_code == status


# the same everywhere ------------------------------------------------------------------------------------------------


async def test_the_feed_says_what_the_topic_says(work: Work, bus: Bus) -> None:
    async with work("relay") as it:
        ids = [await opened(it, counts=2) for _ in range(5)]
        records = await eventually(lambda: _all_of(bus, 15))
        system = await it.at(NORTH, role="system")
        feed: list[Any] = []
        after = "0"
        while page := loads((answer := await system.get(f"/feed?after={after}&limit=4")).content):
            feed, after = feed + page, answer.headers["Carelog-Next"]
        [one] = [loads((await system.get(f"/feed/{ids[0]}")).content)]

    said_on_topic = {dict(r.headers)["ce_id"].decode(): (r, canonical(loads(r.value))) for r in records}
    assert [event["position"] for event in feed] == [f"1.{n}" for n in range(1, 16)]
    assert {event["id"]: canonical(event["data"]) for event in feed} == {
        id: value for id, (_, value) in said_on_topic.items()
    }
    for event in feed:
        record, _ = said_on_topic[event["id"]]
        as_headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items()]
        assert from_headers(as_headers, key=event["partitionkey"].encode()) == from_headers(
            record.headers, key=record.key
        )
    assert one == [event for event in feed if event["subject"] == str(ids[0])]


async def _all_of(bus: Bus, number: int) -> Any:
    records = await bus.heard()
    return records if len(records) == number else None


async def test_one_trace_leads_from_the_request_to_the_document_and_to_what_it_caused(
    work: Work, spans: InMemorySpanExporter
) -> None:
    async with work() as it:
        target = await opened(it)
        await eventually(lambda: shows(it, target, 0))
        spans.clear()
        id = UUID((await post(it, note=str(target))).json()["id"])
        await eventually(lambda: shows(it, id, 0))
        await eventually(lambda: shows(it, target, 1))
        done = await eventually(lambda: _finished(spans, str(id), str(target)))

    [request] = [one for one in done if one.name.startswith("POST")]
    ours = [one for one in done if one.context.trace_id == request.context.trace_id]
    told = [(one.name, (one.attributes or {}).get("carelog.event")) for one in ours]
    for event in (f"{id}.1", f"{target}.2"):
        assert ("publish", event) in told
        assert ("project", event) in told
    [reacting] = [one for one in ours if one.name == "react"]
    assert reacting.parent
    assert reacting.parent.span_id == _of(ours, "publish", f"{id}.1").context.span_id


async def _finished(spans: InMemorySpanExporter, id: str, target: str) -> list[Any] | None:
    done = list(spans.get_finished_spans())
    there = {(one.name, (one.attributes or {}).get("carelog.event")) for one in done}
    return done if {("project", f"{id}.1"), ("project", f"{target}.2")} <= there else None


def _of(done: list[ReadableSpan], name: str, event: str) -> Any:
    return next(one for one in done if one.name == name and (one.attributes or {}).get("carelog.event") == event)


# whatever goes away and comes back ----------------------------------------------------------------------------------


async def test_while_the_document_store_is_away_nothing_is_lost(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    async with work() as it:

        async def away(*_: object) -> None:
            raise Unavailable

        with monkeypatch.context() as gone:
            gone.setattr(it.runtime.documents, "write", away)
            ids = [await opened(it, counts=2) for _ in range(10)]
            await eventually(lambda: _relayed(it, 30))
            assert (await it.runtime.ready())["log"] is None
        for id in ids:
            await eventually(partial(shows, it, id, 2))

        assert await it.runtime.problems() == []


async def _relayed(it: Running, position: int) -> bool:
    return bool(await it.runtime.log.pool.fetchval("SELECT position FROM relay") == position)


# one request, one effect --------------------------------------------------------------------------------------------


async def test_a_key_sent_fifty_times_at_once_has_one_effect_and_fifty_equal_answers(work: Work) -> None:
    async with work("relay") as it, work("relay") as other:
        processes = [it, other]
        answers = await asyncio.gather(*(post(processes[n % 2], key="k", note="") for n in range(50)))

        assert {(one.status_code, one.text, one.headers["etag"]) for one in answers} == {
            (201, answers[0].text, 'W/"1"')
        }
        assert await it.runtime.log.head() == 1


async def test_a_key_with_another_body_is_refused(work: Work) -> None:
    async with work("relay") as it:
        await post(it, key="k", note="")
        again = await post(it, key="k", note=str(fresh_id()))

        assert (again.status_code, again.json()["code"]) == (422, "KeyReused")
        assert await it.runtime.log.head() == 1


async def test_a_key_belongs_to_its_caller(work: Work) -> None:
    async with work("relay") as it:
        first, second = await post(it, key="k"), await post(it, organization=HEART, key="k")

    assert first.json()["id"] != second.json()["id"]


async def test_a_refusal_is_repeated_word_for_word(work: Work) -> None:
    async with work("relay") as it:
        client = await it.at(NORTH, role="clinician")
        id = (await client.post("/counters", json={}, headers={"limit": "0"})).json()["id"]
        count = [await client.post(f"/counters/{id}/count", headers={"Idempotency-Key": "k"}) for _ in range(3)]

    assert {one.status_code for one in count} == {409}
    assert {one.json()["code"] for one in count} == {"Full"}


async def test_a_body_over_the_limit_is_not_read_and_nothing_is_stored(work: Work) -> None:
    async with work("relay", body_limit=1_000) as it:
        answer = await post(it, note="x" * 1_000)

        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert await it.runtime.log.head() == 0
