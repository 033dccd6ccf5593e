"""What every message says besides its facts: who, when, why, and where it stands in its owner's log.

CloudEvents 1.0 in Kafka's binary mode: the envelope is the headers, a contract's JSON is the value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

SPECVERSION = "1.0"
CONTENT_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The context of one event, as the CloudEvents attributes and extensions of its message."""

    id: str
    """`<aggregate>.<version>`"""
    type: str
    """the contract's name, `records.patient.registered.v1`"""
    source: str
    """the owner, `/carelog/records`"""
    subject: UUID
    """the aggregate"""
    time: datetime
    """when it happened; for a partial date the start of the period"""
    recordedtime: datetime
    """when the owner's database recorded it"""
    sequence: int
    """the aggregate's version, contiguous from 1"""
    position: str
    """`<epoch>.<n>` in the owner's log, contiguous"""
    key: str
    """the message's key: the patient, else the aggregate itself"""
    organization: str
    actor: str
    role: str
    purpose: str
    commandid: UUID
    correlationid: UUID
    patient: UUID | None = None
    causationid: str | None = None
    """the id of the event that this one answers"""
    origin: str = "live"
    traceparent: str | None = None
    dataschema: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    """the aggregates that this one has belonged to since its birth: `{"referral": "<id>", ...}`"""

    @cached_property
    def aggregate(self) -> str:
        """The type of the aggregate, `records.patient`."""
        return self.type.rsplit(".", 2)[0]

    @cached_property
    def subject_id(self) -> str:
        """The aggregate as text: an id is written out more slowly than it is read."""
        return str(self.subject)

    @cached_property
    def patient_id(self) -> str | None:
        """The patient as text."""
        return str(self.patient) if self.patient else None

    @property
    def service(self) -> str:
        return self.source.rsplit("/", 1)[-1]

    @property
    def place(self) -> int:
        """The number in `position`."""
        return int(self.position.rsplit(".", 1)[-1])


class Contract(BaseModel):
    """An event as others may see it: an allow-list. What it does not declare never leaves its service.

    Within a version (`.v1`) changes are additive only; readers ignore fields that they do not know.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    """`<service>.<aggregate>.<what happened>.v<n>`"""

    @cached_property
    def envelope(self) -> Envelope:
        """Who, when and why. Present on every contract that came from a log, a topic or a feed."""
        raise LookupError(f"{self.TYPE} was made without its envelope")

    def within(self, envelope: Envelope) -> Self:
        """The same contract in its envelope (attached in place: a contract is made once, by whoever reads it)."""
        self.__dict__["envelope"] = envelope
        return self


Headers = Iterable[tuple[str, bytes]]

_UUIDS = ("subject", "patient", "commandid", "correlationid")
_TIMES = ("time", "recordedtime")
_TEXT = (
    "id",
    "type",
    "source",
    "position",
    "organization",
    "actor",
    "role",
    "purpose",
    "causationid",
    "origin",
    "dataschema",
)
_LINK = "ce_link"


def to_headers(envelope: Envelope, *, traceparent: str | None = None) -> list[tuple[str, bytes]]:
    """The Kafka headers of an envelope (CloudEvents Kafka protocol binding, binary mode); absent values are left out.

    `traceparent` is the span that publishes it, in place of the one that recorded it.
    """
    headers = [("ce_specversion", SPECVERSION.encode()), ("content-type", CONTENT_TYPE.encode())]
    for name in (*_TEXT, "sequence", *_TIMES, *_UUIDS):
        value = getattr(envelope, name)
        if value is not None and value != "":
            text = value.isoformat() if isinstance(value, datetime) else str(value)
            headers.append((f"ce_{name}", text.encode()))
    headers += [(f"{_LINK}{name}", target.encode()) for name, target in envelope.links.items()]
    if trace := traceparent or envelope.traceparent:
        headers.append(("traceparent", trace.encode()))
    return headers


def from_headers(headers: Headers, *, key: bytes | None) -> Envelope:
    """The envelope of a message. Unknown headers are ignored; raises `ValueError` where one that is needed is absent
    or malformed.

    Every consumer does this for every message: hence all texts at once, and UUIDs by pydantic, in a tenth of the time
    that their own class takes.
    """
    said = dict(headers)
    try:
        texts = b"\0".join(_needed(said)).decode().split("\0")
        facts: dict[str, Any] = dict(zip(_NEEDED, texts, strict=True))
        facts["key"] = (key or b"").decode()
        for name, header, absent in _OPTIONAL:
            facts[name] = raw.decode() if (raw := said.get(header)) is not None else absent
        facts["subject"], facts["subject_id"] = _named(facts["subject"])
        patient = facts["patient"]
        facts["patient"], facts["patient_id"] = (None, None) if patient is None else _named(patient)
        for name, read in _READ:
            facts[name] = read(facts[name])
    except (KeyError, TypeError, ValueError) as broken:
        raise ValueError(f"not a Carelog message: {type(broken).__name__}") from None
    more = () if said.keys() <= _KNOWN else said.items()
    facts["links"] = {name[len(_LINK) :]: raw.decode() for name, raw in more if name.startswith(_LINK)}
    envelope = object.__new__(Envelope)
    vars(envelope).update(facts)  # at once: a frozen dataclass's own way takes as long as all the rest
    return envelope


_uuid: Callable[[str], UUID] = TypeAdapter(UUID).validator.validate_python


def _named(text: str) -> tuple[UUID, str]:
    """An id, and how we write it. Of the forms that a UUID may have, ours alone has 36 characters, in lower case."""
    id = _uuid(text)
    return id, text if len(text) == 36 and text == text.lower() else str(id)


_NEEDED = (
    "id", "type", "source", "position", "organization", "actor", "role", "purpose",
    "subject", "commandid", "correlationid", "time", "recordedtime", "sequence",
)  # fmt: skip
_needed = itemgetter(*(f"ce_{name}" for name in _NEEDED))
_OPTIONAL = (
    ("patient", "ce_patient", None),
    ("causationid", "ce_causationid", None),
    ("origin", "ce_origin", "live"),
    ("dataschema", "ce_dataschema", ""),
    ("traceparent", "traceparent", None),
)
_READ: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("commandid", _uuid),
    ("correlationid", _uuid),
    ("time", datetime.fromisoformat),
    ("recordedtime", datetime.fromisoformat),
    ("sequence", int),
)
_KNOWN = frozenset(
    (
        "ce_specversion",
        "content-type",
        *(f"ce_{name}" for name in _NEEDED),
        *(header for _, header, _ in _OPTIONAL),
    )
)
