"""The embedded issuer: a key that nobody else can read, and tokens that the doors accept."""

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from shared.runtime.http.callers import Callers, InvalidToken
from shared.runtime.http.keys import Keys


def callers(issuer: Issuer) -> Callers:
    return Callers(issuer=ISSUER, audience=AUDIENCE, keys=Keys(str(issuer.prepare())))


def a_token(issuer: Issuer, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
    return issuer.token(subject="ann", role="biller", organization="north", purpose="HPAYMT", lifetime=lifetime)


async def test_its_tokens_say_who_acts(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    actor = await callers(issuer).actor([f"Bearer {a_token(issuer)}"])
    assert (actor.subject, actor.role, actor.organization, actor.purpose) == ("ann", "biller", "north", "HPAYMT")


async def test_an_expired_one_is_told_so(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    with pytest.raises(InvalidToken, match="expired"):
        await callers(issuer).actor([f"Bearer {a_token(issuer, lifetime=timedelta(minutes=-2))}"])


def test_the_key_stays_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Issuer(home).prepare()
    key = home / "issuer.key.pem"
    kept = key.read_bytes()
    Issuer(home).prepare()
    assert key.read_bytes() == kept
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_token_of_yesterday_is_still_good_after_a_restart(tmp_path: Path) -> None:
    token = a_token(Issuer(tmp_path))
    [key] = json.loads(Issuer(tmp_path).prepare().read_text())["keys"]
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}, "the public half alone"


def test_the_token_for_the_feeds_is_renewed_when_it_is_old(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path / "home")
    issuer.prepare()
    lifetime, after = timedelta(hours=1), timedelta(minutes=10)
    issuer.renew_feed_token(lifetime=lifetime)
    first = issuer.feed_token.read_text("utf-8")
    issuer.renew_feed_token(lifetime=lifetime, after=after)
    assert issuer.feed_token.read_text("utf-8") == first
    old = issuer.feed_token.stat().st_mtime - 601
    os.utime(issuer.feed_token, (old, old))
    issuer.renew_feed_token(lifetime=lifetime, after=after)
    assert issuer.feed_token.read_text("utf-8") != first
    assert issuer.feed_token.stat().st_mode & 0o777 == 0o600
