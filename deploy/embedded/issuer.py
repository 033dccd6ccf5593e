"""The embedded mode's own token issuer: a key pair in the home folder, whose public half the services read.

For one machine only. Elsewhere tokens come from an OpenID provider, and this key does not exist.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from shared.kernel import Purpose, Role

ISSUER = "urn:carelog:embedded"
AUDIENCE = "carelog"


@dataclass(frozen=True)
class Issuer:
    """Issues tokens with the key in `home`, which is made when it is first needed and stays."""

    home: Path

    @property
    def key_set(self) -> Path:
        """The file with the public key (JWKS, RFC 7517): what `CARELOG_ISSUER_KEYS` names."""
        return self.home / "issuer.jwks.json"

    def prepare(self) -> Path:
        """Makes the key and the key set where they are missing. Returns the key set's file."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps({"keys": [{**self._public, "kid": self._kid, "use": "sig", "alg": "ES256"}]})
        if not self.key_set.exists() or self.key_set.read_text("utf-8") != content:
            _write(self.key_set, content.encode(), mode=0o644)
        return self.key_set

    @property
    def feed_token(self) -> Path:
        """The file with the token that services show to one another's feeds: what `CARELOG_FEED_TOKEN_FILE` names."""
        return self.home / "feed.token"

    def renew_feed_token(self, *, lifetime: timedelta, after: timedelta = timedelta()) -> None:
        """Writes it anew, where it is older than `after`; readers look into the file each time."""
        with suppress(FileNotFoundError):
            written = datetime.fromtimestamp(self.feed_token.stat().st_mtime, UTC)
            if timedelta() <= datetime.now(UTC) - written < after:
                return
        said = self.token(
            subject="carelog", role="system", organization="carelog", purpose="HOPERAT", lifetime=lifetime
        )
        _write(self.feed_token, said.encode(), mode=0o600)

    def token(
        self, *, subject: str, role: Role, organization: str, purpose: Purpose = "TREAT", lifetime: timedelta
    ) -> str:
        """A signed token (ES256) that says who acts, in which role, for whom and to what purpose."""
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
            "jti": str(uuid4()),
            "role": role,
            "organization": organization,
            "purpose": purpose,
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._kid})

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        kept = self.home / "issuer.key.pem"
        if not kept.exists():
            made = generate_private_key(SECP256R1())
            _write(kept, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        key = load_pem_private_key(kept.read_bytes(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError(f"{kept.name} does not hold an EC key")
        return key

    @cached_property
    def _public(self) -> dict[str, str]:
        return {
            str(name): str(value) for name, value in ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True).items()
        }

    @cached_property
    def _kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        needed = {name: self._public[name] for name in ("crv", "kty", "x", "y")}
        return sha256(json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """All of it or nothing, and never readable by others in between."""
    part = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)
