"""One Bundle made ready: without what records does not own, under a key that its content makes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from deploy.importing.files import Unreadable, content_of
from services.records.edges.fhir.selection import leave_out
from shared.runtime.json import dumps, loads

BODY_LIMIT = 16 * 1024 * 1024
"""what the door takes, unless it is set up otherwise"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """`types` are those of the entries that are sent, in their order; `left_out` counts the others."""

    name: str
    key: str
    body: bytes
    types: Sequence[str]
    left_out: Mapping[str, int]


def parcel(*, path: Path) -> Parcel:
    """Raises `Unreadable`. Takes a while for a large file: not for an event loop."""
    content = content_of(path=path)
    try:
        sent = loads(content)
    except ValueError:
        raise Unreadable("is not JSON") from None
    if not isinstance(sent, dict) or sent.get("resourceType") != "Bundle":
        raise Unreadable("is not a FHIR Bundle")
    kept, left_out = leave_out(bundle=sent)
    body = dumps(kept)
    if len(body) > BODY_LIMIT:
        raise Unreadable(f"is larger than {BODY_LIMIT // 1024**2} MB, which is the most that one request may hold")
    types = [_type(entry) for entry in kept["entry"]]
    return Parcel(name=path.name, key=_key(content), body=body, types=types, left_out=Counter(left_out))


def _key(content: bytes) -> str:
    """The same content is the same command, whatever the file is called."""
    return f"import-{sha256(content).hexdigest()}"


def _type(entry: object) -> str:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return str(resource.get("resourceType", "?")) if isinstance(resource, dict) else "?"
