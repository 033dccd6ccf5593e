"""The issuer's public keys, from a file or an address, kept for a while and fetched again when they may have changed.

Fails closed: keys that could not be confirmed for an hour are not trusted any more.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.kernel import Unavailable
from shared.runtime.json import loads

FRESH = 300.0
"""seconds after which the keys are looked up again, so that a withdrawn one stops being trusted"""
TRUSTED = 3600.0
"""seconds for which keys are trusted while the issuer cannot be reached"""
PAUSE = 10.0
"""seconds between two tries, however many unknown keys are named"""
_LARGEST = 1024 * 1024
_SMALLEST_RSA = 2048

_log = logging.getLogger(__name__)


class IssuerSilent(Unavailable):
    """The keys of the token issuer cannot be had: try again in a moment."""


class Keys:
    """One issuer's signing keys, by `kid`. `where` is a file or an `http(s)://` address of a JWKS (RFC 7517)."""

    def __init__(self, where: str, *, clock: Callable[[], float] = monotonic) -> None:
        self._where = where
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this id, or None. Raises `IssuerSilent` where no keys are known that can still be trusted."""
        known = self._keys.get(kid) if self._age() < TRUSTED else None
        if known and (self._age() < FRESH or self._reading.locked()):
            return known
        await self._refresh()
        if self._age() >= TRUSTED:
            raise IssuerSilent
        return self._keys.get(kid)

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    async def _refresh(self) -> None:
        async with self._reading:
            if self._clock() - self._tried_at < PAUSE:
                return
            self._tried_at = self._clock()
            try:
                self._keys = usable(loads(await self._fetch()))
                self._read_at = self._clock()
            except (OSError, ValueError) as error:
                _log.warning("the issuer's keys cannot be read", extra={"error": type(error).__name__})

    async def _fetch(self) -> bytes:
        if not self._where.startswith(("http://", "https://")):
            return await asyncio.to_thread(Path(self._where).read_bytes)
        return await _download(self._where)


async def _download(address: str) -> bytes:
    """The body at an address, bounded. Raises `OSError` where it is not to be had."""
    import httpx  # as long in coming as all the rest: only who has keys at an address waits for it

    body = b""
    try:
        async with (
            httpx.AsyncClient(timeout=5.0, follow_redirects=False) as client,
            client.stream("GET", address) as answer,
        ):
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError("the key set is too large")
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from error
    return body


def usable(keys: Any) -> Mapping[str, jwt.PyJWK]:
    """The keys of a JWKS that can verify RS256 or ES256. Raises `ValueError` where there are none."""
    listed = keys.get("keys") if isinstance(keys, dict) else None
    found = {key.key_id: key for jwk in listed or () if (key := _verifying(jwk)) and key.key_id}
    if not found:
        raise ValueError("no usable keys")
    return found


def _verifying(jwk: Any) -> jwt.PyJWK | None:
    """One public signing key; None for secrets, private halves, other curves, short keys and all else."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or "d" in jwk or "k" in jwk:
        return None
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(jwk.get("kty")))
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm)
    except jwt.PyJWTError:
        return None
    return key if _strong(key.key) else None


def _strong(key: Any) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size >= _SMALLEST_RSA
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
