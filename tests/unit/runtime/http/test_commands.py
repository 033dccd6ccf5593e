"""What comes with a command or a query: its id, what it expects, what it answers, and what it waits for."""

from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import pytest

from shared.runtime.http.doors import reply
from shared.runtime.mandate import Changed, Done
from tests.unit.runtime.http.world import World

NOTE = {"text": "x"}
SOME = "00000000-0000-7000-8000-000000000005"
EVENT = f"{UUID(int=5)}.3"


async def test_a_command_answers_with_what_it_changed(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/notes", json={"text": "x", "weight": 51.3})
    said = answer.json()
    assert answer.status_code == 201
    assert said["changed"] == [{"type": "world.note", "id": said["id"], "version": 1}]
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["location"] == f"/notes/{said['id']}"
    assert answer.headers["cache-control"] == "no-store"


async def test_decimals_keep_their_digits_on_the_way_in_and_out(ann: httpx.AsyncClient, world: World) -> None:
    body = b'{"text": "x", "weight": 123456789012345678.50}'
    answer = await ann.post("/notes", content=body, headers={"Content-Type": "application/json"})
    assert b'"weight":123456789012345678.50' in answer.content
    assert b'"weight":51.30' in (await ann.get(f"/notes/{uuid4()}")).content


def test_the_answer_is_about_the_aggregate_that_is_named() -> None:
    first, second = Changed("a", uuid4(), 3), Changed("b", uuid4(), 7)
    said = reply(Done(changed=(first, second)), about=second.id, location="/b/{id}")
    assert (said.headers["etag"], said.headers["location"]) == ('W/"7"', f"/b/{second.id}")


def test_a_command_that_changed_nothing_says_so() -> None:
    said = reply(Done(answer=[Decimal("1.0")]))
    assert said.body == b'{"changed":[],"answer":[1.0]}'
    assert "etag" not in said.headers


async def test_without_a_key_every_command_is_new(ann: httpx.AsyncClient, world: World) -> None:
    await ann.post("/notes", json=NOTE)
    await ann.post("/notes", json=NOTE)
    first, second = world.notes.mandates
    assert first.command != second.command
    assert (first.keyed, first.fingerprint, first.expected, first.cause, first.origin) == (
        False,
        b"",
        None,
        None,
        "live",
    )


async def test_the_same_key_is_the_same_command(ann: httpx.AsyncClient, world: World) -> None:
    answers = [await ann.post("/notes", json=NOTE, headers={"Idempotency-Key": key}) for key in ("k1", '"k1"', "k2")]
    first, again, other = world.notes.mandates
    assert first.command == again.command != other.command
    assert first.fingerprint == again.fingerprint
    assert first.keyed
    assert answers[0].content == answers[1].content != answers[2].content


async def test_the_same_key_of_another_caller_is_another_command(world: World) -> None:
    for who in ({"subject": "ann"}, {"subject": "bob"}, {"organization": "heart"}):
        async with world.client(**who) as somebody:
            await somebody.post("/notes", json=NOTE, headers={"Idempotency-Key": "k1"})
    assert len({mandate.command for mandate in world.notes.mandates}) == 3


async def test_the_same_key_with_another_body_or_address_is_refused(ann: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k1"}
    await ann.post("/notes", json=NOTE, headers=key)
    for another in (
        await ann.post("/notes", json={"text": "y"}, headers=key),
        await ann.post("/notes?a=b", json=NOTE, headers=key),
    ):
        assert (another.status_code, another.json()["code"]) == (422, "KeyReused")


@pytest.mark.parametrize("key", [b"", b" ", b'""', b"a b", b"x" * 256, "ü".encode(), b"a\tb"])
async def test_a_key_that_is_none_is_refused(ann: httpx.AsyncClient, key: bytes) -> None:
    answer = await ann.post("/notes", json=NOTE, headers=[(b"Idempotency-Key", key)])
    assert (answer.status_code, answer.json()["code"]) == (400, "Malformed")


@pytest.mark.parametrize(("tag", "expected"), [('W/"3"', 3), ('"12"', 12), (' W/"3" ', 3), ("*", None)])
async def test_if_match_says_which_version_is_to_change(
    ann: httpx.AsyncClient, world: World, tag: str, expected: int | None
) -> None:
    await ann.post("/notes", json=NOTE, headers={"If-Match": tag})
    assert world.notes.mandates[0].expected == expected


@pytest.mark.parametrize("tag", ["", "3", '"x"', 'W/"0"', '"1", "2"', "W/3", '"-1"', f'"{"9" * 5000}"', '"٣"'])
async def test_an_if_match_that_names_no_version_is_refused(ann: httpx.AsyncClient, tag: str) -> None:
    answer = await ann.post("/notes", json=NOTE, headers=[(b"If-Match", tag.encode())])
    assert (answer.status_code, answer.json()["code"]) == (400, "Malformed")


async def test_a_cause_is_named_by_its_event(ann: httpx.AsyncClient, world: World) -> None:
    await ann.post("/notes", json=NOTE, headers={"Carelog-Cause": EVENT})
    assert world.notes.mandates[0].cause == EVENT


@pytest.mark.parametrize("cause", ["", "x", SOME, f"{SOME}.0", f"{SOME}.-1", f"{SOME}.1; DROP"])
async def test_a_cause_that_is_no_event_id_is_refused_by_name(ann: httpx.AsyncClient, cause: str) -> None:
    answer = await ann.post("/notes", json=NOTE, headers={"Carelog-Cause": cause})
    assert answer.status_code == 422
    assert [field["name"] for field in answer.json()["fields"]] == ["Carelog-Cause"]


async def test_history_is_brought_in_by_systems_alone(world: World) -> None:
    history = {"Carelog-Origin": "history"}
    async with world.client(role="system") as importer, world.client() as clinician:
        assert (await importer.post("/notes", json=NOTE, headers=history)).status_code == 201
        assert (await clinician.post("/notes", json=NOTE, headers=history)).status_code == 403
        assert (await clinician.post("/notes", json=NOTE, headers={"Carelog-Origin": "old"})).status_code == 422
    assert [mandate.origin for mandate in world.notes.mandates] == ["history"]


async def test_a_query_may_wait_for_versions(ann: httpx.AsyncClient, world: World) -> None:
    a, b = uuid4(), uuid4()
    await ann.get(f"/notes/{a}", headers={"Carelog-Wait-For": f"{a}.3, {b}.1"})
    assert world.notes.awaited == [((a, 3), (b, 1))]


@pytest.mark.parametrize("wanted", ["x", SOME, f"{SOME}.1,", ",".join([EVENT] * 21)])
async def test_a_wait_for_no_version_is_refused(ann: httpx.AsyncClient, wanted: str) -> None:
    answer = await ann.get(f"/notes/{uuid4()}", headers={"Carelog-Wait-For": wanted})
    assert answer.status_code == 422


async def test_an_action_can_depend_on_the_address(world: World, ann: httpx.AsyncClient) -> None:
    assert (await ann.post("/fhir/clinical", json={})).status_code == 200
    assert (await ann.post("/fhir/claim", json={})).status_code == 403
    assert (await ann.post("/fhir/unheard-of", json={})).status_code == 403
