"""The headers of a request, read strictly: each is absent, understood, or refused with a word on its form."""

import re
from hashlib import sha256
from uuid import UUID

from starlette.requests import Request

from shared.kernel import Actor, Denied, EventId, Field, Invalid, Origin, event_id, named_id
from shared.runtime.http.problems import Malformed

HISTORIANS = frozenset({"system", "administrator"})
"""who may say that what they send is history, taken over from another system: reactions leave it alone"""

Versions = tuple[tuple[UUID, int], ...]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_TAG = re.compile(r'(?:W/)?"([1-9]\d{0,8})"')
_EVENT = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\.([1-9]\d{0,8})")
_MOST_AWAITED = 20


def command_of(actor: Actor, key: str) -> UUID:
    """The id of the command that this caller means by this key (draft-ietf-httpapi-idempotency-key-header).

    It does not depend on the door: the same key at another door is the same command with another fingerprint, refused.
    """
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not _KEY.fullmatch(key):
        raise Malformed("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return named_id("command", actor.organization, actor.subject, key)


async def fingerprint_of(request: Request) -> bytes:
    """Of all that the request asks for: method, path, query and body."""
    content = sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    content.update(await request.body())
    return content.digest()


def expected_version(if_match: str | None) -> int | None:
    """The version that `If-Match` demands: `W/"3"` or `"3"` (RFC 9110, 13.1.1, with FHIR's weak tags); `*`: any."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Malformed('If-Match must be the ETag of one version, such as W/"3".')
    return int(found[1])


def named_cause(carelog_cause: str | None) -> EventId | None:
    """The event that the caller says it answers."""
    if carelog_cause is None:
        return None
    return event_id(*_event("Carelog-Cause", carelog_cause))


def awaited_versions(carelog_wait_for: str | None) -> Versions:
    """What a read shall wait for: `<aggregate>.<version>[, ...]`, as the answers of commands name them."""
    parts = carelog_wait_for.split(",") if carelog_wait_for else []
    if len(parts) > _MOST_AWAITED:
        raise Invalid(Field("Carelog-Wait-For", f"must name at most {_MOST_AWAITED} aggregates", "too_long"))
    return tuple(_event("Carelog-Wait-For", part) for part in parts)


def origin_of(actor: Actor, carelog_origin: str | None) -> Origin:
    """`history` where a historian says so, else `live`."""
    match carelog_origin:
        case None | "live":
            return "live"
        case "history" if actor.role in HISTORIANS:
            return "history"
        case "history":
            raise Denied("Only the roles system and administrator may bring in history.")
        case _:
            raise Invalid(Field("Carelog-Origin", "must be 'live' or 'history'", "enum"))


def _event(header: str, text: str) -> tuple[UUID, int]:
    found = _EVENT.fullmatch(text.strip())
    if found is None:
        raise Invalid(Field(header, "must be <aggregate id>.<version>", "event_id"))
    return UUID(found[1]), int(found[2])
