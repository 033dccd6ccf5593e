"""The import without a system: files, what is made of them, and a door that answers as records would."""

import bz2
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.importing import parcel as parcels
from deploy.importing.door import Door
from deploy.importing.files import Unreadable, files_at, in_turns
from deploy.importing.importer import Importer, Progress
from deploy.importing.parcel import parcel
from deploy.importing.tally import Tally
from deploy.trouble import Trouble

Handler = Callable[[httpx.Request], httpx.Response]
PATIENT = "0190a1b2-0000-7000-8000-000000000001"


def bundle(*types: str) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"urn:uuid:{at}", "resource": {"resourceType": type}, "request": {"method": "POST", "url": type}}
        for at, type in enumerate(types)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    match path.suffix:
        case ".bz2":
            raw = bz2.compress(raw)
        case ".gz":
            raw = gzip.compress(raw)
        case _:
            pass
    path.write_bytes(raw)
    return path


class Records:
    """Answers as records does; notes what it was asked."""

    def __init__(self, *, made: datetime | None = None, answers: list[int] | None = None) -> None:
        self.bundles: list[httpx.Request] = []
        self.waited: list[str] = []
        self._made = made
        self._answers = answers or []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self._answers:
            return httpx.Response(self._answers.pop(0))
        if request.url.path == "/fhir":
            self.bundles.append(request)
            return httpx.Response(200, json={"entry": [{"response": one} for one in self._created(request)]})
        if request.url.path.endswith("/timeline"):
            self.waited.append(request.headers["Carelog-Wait-For"])
            return httpx.Response(200, json={"items": [], "next": None})
        made = self._made or datetime.now(UTC)
        return httpx.Response(200, json={"meta": {"lastUpdated": made.isoformat()}})

    def _created(self, request: httpx.Request) -> list[dict[str, str]]:
        types = [entry["resource"]["resourceType"] for entry in json.loads(request.content)["entry"]]
        ids = [
            PATIENT if type == "Patient" else f"0190a1b2-0000-7000-8000-{at:012}" for at, type in enumerate(types, 5)
        ]
        return [
            {"status": "201 Created", "location": f"{type}/{id}/_history/1"}
            for type, id in zip(types, ids, strict=True)
        ]


async def bring_in(path: Path, records: Handler, *, tell: Callable[[Progress], None] = lambda now: None) -> Tally:
    transport = httpx.MockTransport(records)
    async with httpx.AsyncClient(transport=transport, base_url="http://records") as client:
        return await Importer(door=Door(client=client, patience=5), tell=tell).bring_in(path=path)


def test_files_come_by_name_and_what_others_refer_to_first(tmp_path: Path) -> None:
    for name in ("b.json", "a.json.gz", "0-hospitals.json.bz2", "notes.txt", "c.json.bz2"):
        written(tmp_path, name, bundle())
    first, rest = in_turns(files=files_at(path=tmp_path))
    assert [file.name for file in first] == ["0-hospitals.json.bz2"]
    assert [file.name for file in rest] == ["a.json.gz", "b.json", "c.json.bz2"]


@pytest.mark.parametrize("name", ["nowhere", "notes.txt", "empty"])
def test_a_path_with_nothing_to_bring_in_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Trouble):
        files_at(path=tmp_path / name)


@pytest.mark.parametrize("name", ["one.json", "one.json.bz2", "one.json.gz"])
def test_a_bundle_is_the_same_however_it_is_packed_and_called(tmp_path: Path, name: str) -> None:
    content = bundle("Patient", "Claim", "Observation")
    ready = parcel(path=written(tmp_path, name, content))
    assert ready.types == ["Patient", "Observation"]
    assert ready.left_out == {"Claim": 1}
    assert ready.key == parcel(path=written(tmp_path, "other.json", content)).key


def test_decimals_keep_their_digits(tmp_path: Path) -> None:
    content = json.dumps(bundle("Observation")).replace('"POST"', '"POST", "x": 51.30').encode()
    assert b"51.30" in parcel(path=written(tmp_path, "one.json", content)).body


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("broken.json", b"{", "JSON"),
        ("list.json", b"[]", "Bundle"),
        ("patient.json", b'{"resourceType": "Patient"}', "Bundle"),
        ("latin.json", b'{"a": "\xe9"}', "JSON"),
    ],
)
def test_what_is_no_bundle_is_told(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        parcel(path=written(tmp_path, name, content))


@pytest.mark.parametrize("name", ["broken.json.bz2", "broken.json.gz"])
def test_a_file_that_cannot_be_unpacked_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not packed")
    with pytest.raises(Unreadable, match="cannot be read"):
        parcel(path=tmp_path / name)


def test_a_bundle_beyond_what_one_request_may_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "BODY_LIMIT", 100)
    with pytest.raises(Unreadable, match="larger"):
        parcel(path=written(tmp_path, "large.json", bundle("Patient", "Patient")))


async def test_it_is_sent_as_history_under_the_key_of_its_content(tmp_path: Path) -> None:
    path = written(tmp_path, "one.json", bundle("Patient", "Observation"))
    records = Records()
    tally = await bring_in(path, records)
    assert tally.came_in == {"Patient": 1, "Observation": 1}
    assert records.bundles[0].headers["Carelog-Origin"] == "history"
    assert records.bundles[0].headers["Idempotency-Key"] == parcel(path=path).key


async def test_it_is_done_when_the_timelines_show_the_last_of_each_patient(tmp_path: Path) -> None:
    written(tmp_path, "one.json", bundle("Organization", "Patient", *["Observation"] * 30))
    records = Records()
    told: list[Progress] = []
    await bring_in(tmp_path, records, tell=told.append)
    (waited,) = records.waited
    assert len(waited.split(", ")) == 20
    assert waited.endswith("0190a1b2-0000-7000-8000-000000000036.1")
    assert [progress.waits for progress in told] == [False, True]
    assert (told[-1].resources, told[-1].bytes_done) == (32, told[-1].bytes_all)


async def test_what_had_come_in_before_is_told_from_what_came_in_now(tmp_path: Path) -> None:
    written(tmp_path, "one.json", bundle("Patient", "Claim"))
    tally = await bring_in(tmp_path, Records(made=datetime.now(UTC) - timedelta(days=1)))
    assert (tally.came_in, tally.already_there, tally.left_out) == ({}, {"Patient": 1}, {"Claim": 1})


async def test_a_service_that_is_away_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    written(tmp_path, "one.json", bundle("Patient"))
    tally = await bring_in(tmp_path, Records(answers=[503, 502]))
    assert tally.came_in == {"Patient": 1}


async def test_a_refused_bundle_is_told_by_fields_and_the_others_come_in(tmp_path: Path) -> None:
    written(tmp_path, "bad.json", bundle("Patient", "Claim"))
    written(tmp_path, "broken.json", b"{")
    written(tmp_path, "good.json", bundle("Patient", "Condition"))
    records = Records()

    def fussy(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/fhir" and b"Condition" not in request.content:
            issue = {"code": "required", "diagnostics": "must be there", "expression": ["Patient.gender"]}
            return httpx.Response(422, json={"resourceType": "OperationOutcome", "issue": [issue] * 7})
        return records(request)

    tally = await bring_in(tmp_path, fussy)
    assert tally.refused == {"Patient": 1}
    assert tally.came_in == {"Patient": 1, "Condition": 1}
    assert tally.reasons.count(("bad.json", "Patient.gender must be there")) == 5
    assert ("bad.json", "and 2 more") in tally.reasons
    assert ("broken.json", "is not JSON") in tally.reasons


async def test_an_entry_of_a_batch_that_is_refused_is_told_and_the_others_come_in(tmp_path: Path) -> None:
    written(tmp_path, "a.json", bundle("Organization", "Organization", "Location"))
    outcome = {"issue": [{"expression": ["Organization.name"], "diagnostics": "must be there"}]}

    def choosy(request: httpx.Request) -> httpx.Response:
        refused = [{"status": "422 Invalid", "outcome": outcome}, {"status": "503 Unavailable"}]
        return httpx.Response(
            200, json={"entry": [{"response": one} for one in (*refused, {"status": "201", "location": ""})]}
        )

    tally = await bring_in(tmp_path, choosy)
    assert tally.refused == {"Organization": 2}
    assert tally.came_in == {"Location": 1}
    assert tally.reasons == [("a.json", "Organization.name must be there"), ("a.json", "answered 503 Unavailable")]


async def test_a_token_that_is_not_taken_ends_the_import(tmp_path: Path) -> None:
    written(tmp_path, "one.json", bundle("Patient"))
    with pytest.raises(Trouble, match="401"):
        await bring_in(tmp_path, lambda request: httpx.Response(401))
