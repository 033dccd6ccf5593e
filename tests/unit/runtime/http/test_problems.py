"""Every no is `application/problem+json` with a stable name, or the service's own form; none echoes a value."""

import logging
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Literal
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, ByteSize, Field, Json, ValidationError, field_validator

from shared.runtime.wording import broken_rules
from tests.unit.runtime.http.world import CANARY, World


async def fails(client: httpx.AsyncClient, how: str) -> httpx.Response:
    return await client.post(f"/notes/{uuid4()}/break", params={"how": how})


async def test_a_refusal_is_named_by_the_rule_that_was_broken(ann: httpx.AsyncClient) -> None:
    answer = await fails(ann, "refused")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:carelog:problem:note-taken",
        "title": "Refused",
        "status": 409,
        "detail": "There is a note at this place already.",
        "code": "NoteTaken",
    }


async def test_a_missing_thing_a_missing_door_and_a_wrong_method_are_told_apart(ann: httpx.AsyncClient) -> None:
    missing = await ann.get(f"/notes/{UUID(int=0)}")
    nowhere = await ann.get(f"/{CANARY}")
    method = await ann.request("DELETE", "/notes")
    assert [one.status_code for one in (missing, nowhere, method)] == [404, 404, 405]
    assert [one.json()["code"] for one in (missing, nowhere, method)] == ["NotFound", "NotFound", "MethodNotAllowed"]
    assert method.headers["allow"] == "POST"
    assert CANARY not in nowhere.text


@pytest.mark.parametrize("how", ["fault", "key"])
async def test_a_fault_of_ours_has_an_incident_and_tells_nothing(
    ann: httpx.AsyncClient, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await fails(ann, how)
    said = answer.json()
    assert (answer.status_code, said["code"], said["title"]) == (500, "Internal", "Internal error")
    assert CANARY not in answer.text
    [line] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said["instance"] == f"urn:uuid:{line.__dict__['incident']}"


async def test_errors_under_a_path_are_shown_in_its_own_form(ann: httpx.AsyncClient, world: World) -> None:
    empty = await ann.post("/fhir/clinical")
    nowhere = await ann.get("/fhir/a/b/c")
    async with world.client("") as nobody:
        stranger = await nobody.post("/fhir/clinical", json={})
    for answer, code in ((empty, "Invalid"), (nowhere, "NotFound"), (stranger, "Unauthenticated")):
        assert answer.json() == {"resourceType": "OperationOutcome", "code": code}
    assert "resourceType" not in (await ann.get("/fhirlike")).json()


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("", "how", "missing"),
        ("?how=refused&how=denied", None, None),
    ],
)
async def test_a_missing_parameter_is_named(
    ann: httpx.AsyncClient, query: str, name: str | None, code: str | None
) -> None:
    answer = await ann.post(f"/notes/{uuid4()}/break{query}")
    found = [(field["name"], field["code"]) for field in answer.json().get("fields", [])]
    assert found == ([(name, code)] if name else [])


async def test_many_errors_are_told_in_part(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/notes", json={f"f{n}": 1 for n in range(80)})
    assert len(answer.json()["fields"]) == 50


def test_no_rule_of_pydantic_shows_what_was_submitted() -> None:
    class Sort(Enum):
        A = "a"

    class Cat(BaseModel):
        kind: Literal["cat"]

    class Dog(BaseModel):
        kind: Literal["dog"]

    class Everything(BaseModel):
        a: int
        b: float
        c: Decimal
        d: date
        e: datetime
        f: time
        g: timedelta
        h: UUID
        i: bool
        j: Sort
        k: Literal["x"]
        m: AnyUrl
        n: ByteSize
        o: Json[int]
        p: IPv4Address
        q: Annotated[Cat | Dog, Field(discriminator="kind")]
        r: Annotated[str, Field(pattern="^a$")]
        s: Annotated[str, Field(max_length=1)]
        t: list[int]
        u: dict[str, int]
        v: AwareDatetime
        w: str

        @field_validator("w")
        @classmethod
        def never(cls, value: str) -> str:
            raise ValueError(f"{value} is not wanted")

    submitted: dict[str, object] = dict.fromkeys(Everything.model_fields, CANARY) | {
        "q": {"kind": CANARY},
        "n": f"1{CANARY}",
    }
    with pytest.raises(ValidationError) as refused:
        Everything.model_validate(submitted)
    fields = broken_rules(refused.value.errors())
    assert {field.name.split(".")[0] for field in fields} == set(Everything.model_fields)
    assert not [field for field in fields if "canary" in repr(field).lower()]
    assert all(field.message for field in fields)
