"""Tokens that are not what they seem: each is answered with 401, and nothing of it is shown or logged."""

import base64
import hmac
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.embedded.issuer import AUDIENCE, ISSUER
from shared.runtime.http import keys as keys_module
from shared.runtime.http.callers import Callers
from shared.runtime.http.keys import IssuerSilent, Keys, usable
from tests.unit.runtime.http.world import World, now

DOOR = f"/notes/{UUID(int=1)}"


def signed(
    world: World, *, key: Any = None, algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A token like the issuer's own, with some of it changed; a claim that is None is left out."""
    claims: dict[str, Any] = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now(), "exp": now() + timedelta(minutes=5),
        "role": "clinician", "organization": "north", "purpose": "TREAT", **changed,
    }  # fmt: skip
    present = {name: value for name, value in claims.items() if value is not None}
    header = {"kid": world.issuer._kid, **(headers or {})}
    named = {name: value for name, value in header.items() if value is not None}
    return jwt.encode(present, world.issuer._key if key is None else key, algorithm=algorithm, headers=named)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(world: World, header: dict[str, Any]) -> str:
    head = encoded(json.dumps({"kid": world.issuer._kid, **header}).encode())
    return f"{head}.{signed(world).split('.')[1]}."


def hs256_with_the_public_key(world: World) -> str:
    public = world.issuer._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    content = unsigned(world, {"alg": "HS256"}).rstrip(".")
    return f"{content}.{encoded(hmac.new(public, content.encode(), 'sha256').digest())}"


def deep_header(world: World) -> str:
    head = b'{"alg":"ES256","kid":' + b"[" * 4000
    return f"{encoded(head)}.e30.AA"


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

FORGED: dict[str, Callable[[World], str]] = {
    "not a token": lambda world: "canary",
    "two dots": lambda world: "..",
    "alg none": lambda world: unsigned(world, {"alg": "none"}),
    "alg None": lambda world: unsigned(world, {"alg": "None"}),
    "alg is a number": lambda world: unsigned(world, {"alg": 7}),
    "no alg": lambda world: unsigned(world, {}),
    "the public key as HMAC secret": hs256_with_the_public_key,
    "RS256 under an EC kid": lambda world: signed(world, key=RSA_KEY, algorithm="RS256"),
    "another key": lambda world: signed(world, key=OTHER_KEY),
    "the signature cut off": lambda world: signed(world).rsplit(".", 1)[0] + ".",
    "another body under the signature": lambda world: ".".join(
        [signed(world).split(".")[0], signed(world, role="system").split(".")[1], signed(world).split(".")[2]]
    ),
    "no kid": lambda world: signed(world, headers={"kid": None}),
    "kid is a path": lambda world: signed(world, headers={"kid": "../../../../dev/null"}),
    "kid is SQL": lambda world: signed(world, headers={"kid": "' OR '1'='1"}),
    "kid is a list": lambda world: unsigned(world, {"alg": "ES256", "kid": ["a"]}),
    "jwk in the header": lambda world: signed(
        world, key=OTHER_KEY, headers={"jwk": jwt.algorithms.ECAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)}
    ),
    "crit unknown": lambda world: signed(world, headers={"crit": ["carelog"], "carelog": True}),
    "a header nested deeply": deep_header,
    "expired": lambda world: signed(world, exp=now() - timedelta(minutes=2)),
    "without expiry": lambda world: signed(world, exp=None),
    "expiry is text": lambda world: signed(world, exp="never"),
    "expiry is infinite": lambda world: signed(world, exp=float("inf")),
    "not yet valid": lambda world: signed(world, nbf=now() + timedelta(minutes=2)),
    "issued in the future": lambda world: signed(world, iat=now() + timedelta(minutes=2)),
    "without iat": lambda world: signed(world, iat=None),
    "another audience": lambda world: signed(world, aud="billing-portal"),
    "no audience": lambda world: signed(world, aud=None),
    "another issuer": lambda world: signed(world, iss="https://evil.example"),
    "no issuer": lambda world: signed(world, iss=None),
    "no subject": lambda world: signed(world, sub=None),
    "an empty subject": lambda world: signed(world, sub=""),
    "a subject with a line break": lambda world: signed(world, sub="ann\nadmin"),
    "a subject with NUL": lambda world: signed(world, sub="ann\x00"),
    "no role": lambda world: signed(world, role=None),
    "an unknown role": lambda world: signed(world, role="canary"),
    "a list of roles": lambda world: signed(world, role=["clinician", "system"]),
    "role in capitals": lambda world: signed(world, role="SYSTEM"),
    "no organisation": lambda world: signed(world, organization=None),
    "organisation is a list": lambda world: signed(world, organization=["north", "south"]),
    "no purpose": lambda world: signed(world, purpose=None),
    "an unknown purpose": lambda world: signed(world, purpose="MARKETING"),
    "64 kB": lambda world: signed(world, filler="x" * 65536),
}


async def test_the_token_that_the_forged_ones_are_made_from_is_good(world: World) -> None:
    async with world.client(signed(world)) as ann:
        assert (await ann.get(DOOR)).status_code == 200


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_opens_nothing_and_is_not_shown(
    world: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = FORGED[name](world)
    with caplog.at_level(logging.DEBUG):
        async with world.client(token) as client:
            answer = await client.get(DOOR)
    assert answer.status_code == 401, name
    assert answer.headers["content-type"] == "application/problem+json"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    for part in [part for part in token.split(".") if len(part) > 3]:
        assert part[:200] not in answer.text
        assert part[:200] not in caplog.text
    assert "canary" not in answer.text


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token", "bearer\ttoken"])
async def test_without_a_bearer_token_the_answer_asks_for_one(world: World, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with world.client("") as nobody:
        answer = await nobody.get(DOOR, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="carelog"'


async def test_two_tokens_are_none(world: World) -> None:
    good = ("Authorization", f"Bearer {world.token()}")
    async with world.client("") as nobody:
        answer = await nobody.get(DOOR, headers=[good, good])
    assert answer.status_code == 401


async def test_a_token_in_the_address_is_no_token(world: World) -> None:
    async with world.client("") as nobody:
        answer = await nobody.get(DOOR, params={"access_token": world.token()})
    assert answer.status_code == 401


async def test_a_role_that_may_not_is_told_so(world: World) -> None:
    async with world.client(role="scheduler") as scheduler:
        answer = await scheduler.get(DOOR)
    assert (answer.status_code, answer.json()["code"]) == (403, "Denied")


async def test_a_caller_becomes_the_actor_of_the_command(world: World) -> None:
    async with world.client(subject="bob", organization="heart", purpose="CAREMGT") as bob:
        await bob.post("/notes", json={"text": "x"})
    actor = world.notes.mandates[0].actor
    assert (actor.subject, actor.role, actor.organization, actor.purpose) == ("bob", "clinician", "heart", "CAREMGT")


async def test_an_rsa_key_of_the_issuer_is_as_good(world: World, tmp_path: Path) -> None:
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    path = tmp_path / "rsa.json"
    path.write_text(json.dumps({"keys": [{**jwk, "kid": "rsa"}]}))
    token = signed(world, key=RSA_KEY, algorithm="RS256", headers={"kid": "rsa"})
    actor = await Callers(issuer=ISSUER, audience=AUDIENCE, keys=Keys(str(path))).actor([f"Bearer {token}"])
    assert actor.subject == "ann"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_new_key_is_found_when_it_is_first_named(world: World) -> None:
    clock = Clock()
    keys = Keys(str(world.issuer.prepare()), clock=clock)
    assert await keys.find(world.issuer._kid)
    world.issuer.key_set.write_text(world.issuer.key_set.read_text().replace(world.issuer._kid, "next"))
    assert await keys.find("next") is None, "the key set is not read for every unknown key"
    clock.now += keys_module.PAUSE
    assert await keys.find("next")
    assert await keys.find(world.issuer._kid) is None, "a withdrawn key is not trusted any more"


async def test_keys_outlive_a_silent_issuer_for_an_hour_and_no_longer(world: World) -> None:
    clock = Clock()
    keys = Keys(str(world.issuer.prepare()), clock=clock)
    assert await keys.find(world.issuer._kid)
    world.issuer.key_set.unlink()
    clock.now += keys_module.TRUSTED - 1
    assert await keys.find(world.issuer._kid)
    clock.now += keys_module.PAUSE
    with pytest.raises(IssuerSilent):
        await keys.find(world.issuer._kid)


async def test_without_keys_nobody_comes_in(world: World) -> None:
    world.issuer.key_set.unlink()
    async with world.client() as ann:
        answer = await ann.get(DOOR)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_only_public_signing_keys_are_used(world: World) -> None:
    world.issuer.prepare()
    [good] = json.loads(world.issuer.key_set.read_text())["keys"]
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose
    listed = [
        good,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {**good, "kid": "encrypts", "use": "enc"},
        {**good, "kid": "odd", "alg": "HS256"},
        {**good, "kid": "broken", "x": "?"},
        {**jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True), "kid": "weak"},
        {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True), "kid": "private"},
        "not a key",
    ]
    assert list(usable({"keys": listed})) == [good["kid"]]


async def test_a_verified_token_is_remembered_until_it_expires(world: World) -> None:
    clock = Clock()
    clock.now = now().timestamp()
    callers = Callers(issuer=ISSUER, audience=AUDIENCE, keys=Keys(str(world.issuer.key_set)), clock=clock)
    bearer = [f"Bearer {signed(world, exp=now() + timedelta(seconds=5))}"]
    first = await callers.actor(bearer)
    assert await callers.actor(bearer) is first
    clock.now += 6
    assert await callers.actor(bearer) is not first, "past its expiry (within the leeway) it is verified again"
