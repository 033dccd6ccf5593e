"""Bodies that are broken, ambiguous or too large: refused by name, never a 500, and nothing is stored."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.runtime.http import content
from shared.runtime.http.problems import Malformed
from tests.unit.runtime.http.world import CANARY, LIMIT, World

JSON = {"Content-Type": "application/json"}

BROKEN: dict[str, bytes] = {
    "truncated": b'{"text": "CANARY-Jane',
    "not JSON": b"CANARY-Jane-Doe-1985",
    "a comment": b'{"text": "x"} // CANARY-Jane-Doe-1985',
    "two values": b'{"text": "x"} {"text": "y"}',
    "a trailing comma": b'{"text": "x",}',
    "single quotes": b"{'text': 'x'}",
    "depth 101": b"[" * 101 + b"]" * 101,
    "depth 150, unclosed": b'{"a":' * 150,
    "a name twice": b'{"text": "x", "text": "CANARY-Jane-Doe-1985"}',
    "a name twice, inside": b'{"text": "x", "places": [{"room": 1, "room": 2}]}',
    "a name twice, escaped": b'{"text": "x", "te\\u0078t": "y"}',
    "NaN": b'{"text": "x", "weight": NaN}',
    "Infinity": b'{"text": "x", "weight": -Infinity}',
    "1e400": b'{"text": "x", "weight": 1e400}',
    "1e999999999": b'{"text": "x", "weight": 1e999999999}',
    "900 digits after the point": b'{"text": "x", "weight": 1.' + b"1" * 900 + b"}",
    "900 digits": b'{"text": "x", "weight": ' + b"9" * 900 + b"}",
    "a high surrogate": b'{"text": "\\ud800"}',
    "a low surrogate": b'{"text": "\\udc00x"}',
    "surrogates the wrong way round": b'{"text": "\\udc00\\ud800"}',
    "a surrogate in a name": b'{"\\ud800": 1}',
    "a surrogate in UTF-8": b'{"text": "\xed\xa0\x80"}',
    "NUL, escaped": b'{"text": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "NUL, raw": b'{"text": "a\x00b"}',
    "a control character": b'{"text": "a\x1bb"}',
    "a byte order mark": b'\xef\xbb\xbf{"text": "x"}',
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "Latin-1": '{"text": "Jürgen"}'.encode("latin-1"),
    "an overlong slash": b'{"text": "\xc0\xaf"}',
    "only spaces": b"   ",
}
WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "body"),
    "null": (b"null", "body"),
    "a list": (b"[]", "body"),
    "a text": (b'"CANARY-Jane-Doe-1985"', "body"),
    "a number": (b"7", "body"),
    "an empty object": (b"{}", "text"),
    "a wrong type": (b'{"text": 5}', "text"),
    "a text for a number": (b'{"text": "x", "weight": "CANARY-Jane-Doe-1985"}', "weight"),
    "an unknown field": (b'{"text": "x", "is_admin": true}', "is_admin"),
    "an unknown field of a strange name": (b'{"text": "x", "CANARY Jane Doe, 1985": true}', "?"),
    "an unknown code": (b'{"text": "x", "places": [{"room": 1, "kind": "CANARY-Jane-Doe-1985"}]}', "places[0].kind"),
    "below the least": (b'{"text": "x", "places": [{"room": 0, "kind": "ward"}]}', "places[0].room"),
    "a day that does not exist": (b'{"text": "x", "at": "2026-02-30T10:00:00Z"}', "at"),
    "an instant without offset": (b'{"text": "x", "at": "2026-02-03T10:00:00"}', "at"),
    "a text too long": (b'{"text": "' + b"x" * 201 + b'"}', "text"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_not_one_json_value_is_refused(ann: httpx.AsyncClient, world: World, name: str) -> None:
    answer = await ann.post("/notes", content=BROKEN[name], headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "Malformed"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "CANARY" not in answer.text
    assert world.notes.effects == 0


@pytest.mark.parametrize("name", WRONG)
async def test_what_breaks_a_rule_is_refused_by_the_name_of_its_field(
    ann: httpx.AsyncClient, world: World, name: str
) -> None:
    body, field = WRONG[name]
    answer = await ann.post("/notes", content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert [one["name"] for one in answer.json()["fields"]] == [field]
    assert "CANARY" not in answer.text
    assert world.notes.effects == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "", "application/jsonp"])
async def test_what_does_not_say_that_it_is_json_is_not_taken(ann: httpx.AsyncClient, kind: str) -> None:
    answer = await ann.post("/notes", content=b'{"text": "x"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "Unsupported")


@pytest.mark.parametrize("kind", ["application/json", "application/fhir+json; charset=utf-8", "Application/JSON"])
async def test_what_says_that_it_is_json_is_taken(ann: httpx.AsyncClient, kind: str) -> None:
    answer = await ann.post("/notes", content=b'{"text": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 201


@pytest.mark.parametrize("text", ["\U0001f642", "\\ud83d\\ude42", "\\\\ud800", "e\u0301\u200b\u202e", "a\\r\\nb"])
async def test_every_text_that_is_one_is_taken(ann: httpx.AsyncClient, text: str) -> None:
    answer = await ann.post("/notes", content=f'{{"text": "{text}"}}'.encode(), headers=JSON)
    assert answer.status_code == 201


async def test_a_body_that_declares_too_much_is_not_read(ann: httpx.AsyncClient, world: World) -> None:
    answer = await ann.post("/notes", content=b" " * (LIMIT + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")
    assert answer.headers["connection"] == "close"


async def test_a_body_that_declares_nothing_is_counted(ann: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b" " * 100

    answer = await ann.post("/notes", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert read <= LIMIT // 100 + 2


async def test_a_body_at_the_limit_is_taken(ann: httpx.AsyncClient) -> None:
    body = b'{"text": "x"}'.ljust(LIMIT)
    assert (await ann.post("/notes", content=body, headers=JSON)).status_code == 201


async def test_who_is_nobody_is_told_so_before_the_body_is_read(world: World) -> None:
    async with world.client("") as nobody:
        answer = await nobody.post("/notes", content=b" " * (LIMIT + 1), headers=JSON)
    assert answer.status_code == 401


async def test_a_body_that_does_not_come_is_not_waited_for(
    ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "PATIENCE", 0.01)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await ann.post("/notes", content=stuck(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, "TooSlow")


@pytest.mark.parametrize("depth", [1100, 10_000, 200_000])
def test_any_depth_is_an_answer(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        with pytest.raises(Malformed):
            content.parse(opening * depth + b"1" + closing * depth)


def test_a_hundred_levels_are_read() -> None:
    assert content.parse(b"[" * 100 + b"]" * 100)


@pytest.mark.parametrize(
    "path", ["/notes/%00", f"/notes/{CANARY}", "/notes/%ff%fe", "/notes/..%2f..%2fetc", "/notes/%"]
)
async def test_an_address_that_is_no_id_is_refused_without_showing_it(ann: httpx.AsyncClient, path: str) -> None:
    answer = await ann.get(path)
    assert answer.status_code in (400, 404, 422)
    assert CANARY not in answer.text


async def test_a_query_with_nul_is_refused(ann: httpx.AsyncClient) -> None:
    answer = await ann.get("/notes/1?name=%00")
    assert (answer.status_code, answer.json()["code"]) == (400, "Malformed")
