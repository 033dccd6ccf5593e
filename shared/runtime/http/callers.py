"""Who calls: a bearer token (RFC 6750) becomes the kernel's `Actor`, or the answer is 401.

The token names its key by `kid`; the key alone says which algorithm counts. Nothing of a token is ever shown or logged.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from time import time
from typing import Any, get_args

import jwt

from shared.kernel import Actor, OrganizationId, Purpose, Role
from shared.runtime.http.keys import Keys
from shared.runtime.http.problems import Unauthenticated

LEEWAY = 30
"""seconds by which our clock and the issuer's may differ"""
LARGEST = 8 * 1024
_REMEMBERED = 4096
_FOR_SECONDS = 60.0
_CLAIMS = ("exp", "iat", "iss", "aud", "sub", "role", "organization", "purpose")
_BROKEN = (jwt.PyJWTError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""what a hostile token can make of the parsers below, before and after its signature is checked"""


class InvalidToken(Unauthenticated):
    """The bearer token is not valid here."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, challenge='Bearer realm="carelog", error="invalid_token"')


class Callers:
    """Knows callers by their tokens. One that was verified is remembered for a minute, because signatures cost time."""

    def __init__(self, *, issuer: str, audience: str, keys: Keys, clock: Callable[[], float] = time) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, tuple[Actor, float]] = {}

    async def actor(self, authorization: Sequence[str]) -> Actor:
        """The caller that the `Authorization` headers speak for. Raises `Unauthenticated` or `IssuerSilent`."""
        token = _bearer(authorization)
        digest = sha256(token.encode()).digest()
        actor, until = self._known.get(digest, (None, 0.0))
        if actor is not None and self._clock() < until:
            return actor
        return self._remember(digest, *await self._verify(token))

    def _remember(self, digest: bytes, actor: Actor, expires: float) -> Actor:
        self._known.pop(digest, None)
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = (actor, min(expires, self._clock() + _FOR_SECONDS))
        return actor

    async def _verify(self, token: str) -> tuple[Actor, float]:
        try:
            key = await self._keys.find(_key_id(token))
            if key is None:
                raise InvalidToken
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": list(_CLAIMS)},
            )
            return _actor(claims), float(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise InvalidToken("The bearer token has expired.") from None
        except _BROKEN:
            raise InvalidToken from None


def _bearer(authorization: Sequence[str]) -> str:
    if len(authorization) != 1:
        raise Unauthenticated
    scheme, _, token = authorization[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    if len(token) > LARGEST or not token.isascii():
        raise InvalidToken
    return token


def _key_id(token: str) -> str:
    kid = jwt.get_unverified_header(token).get("kid")
    if not isinstance(kid, str):
        raise InvalidToken
    return kid


def _actor(claims: dict[str, Any]) -> Actor:
    if claims["role"] not in get_args(Role) or claims["purpose"] not in get_args(Purpose):
        raise InvalidToken("The bearer token names a role or a purpose that is not known here.")
    return Actor(
        subject=_text(claims["sub"]),
        role=claims["role"],
        organization=OrganizationId(_text(claims["organization"])),
        purpose=claims["purpose"],
    )


def _text(claim: Any) -> str:
    """A claim that goes into every event: it must be short, and printable everywhere."""
    if not isinstance(claim, str) or not 0 < len(claim) <= 255 or not claim.isprintable():
        raise InvalidToken
    return claim
