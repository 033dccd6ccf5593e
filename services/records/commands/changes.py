"""What a command wants of resources, in the domain's terms: record, amend, retract. The edge makes them of requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.records.domain.directory import Listing
from services.records.domain.encounter import Encounter
from services.records.domain.entry import Entry
from services.records.domain.fhir import TYPES, Resource
from services.records.domain.patient import Patient


class Condition(NamedTuple):
    """Whoever of this FHIR type bears this identifier."""

    type: str
    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A new resource. `at` is where it stands in the request (`Bundle.entry[3].resource`), for errors."""

    id: UUID
    resource: Resource
    at: str

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """The resource as it is now. `expected`: the version it must be at."""

    id: UUID
    resource: Resource
    at: str
    expected: int | None = None

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Retract:
    """It should not be relied on any more, and why."""

    id: UUID
    type: str
    reason: str
    expected: int | None = None


Change = Record | Amend | Retract

Kept = Patient | Encounter | Listing | Entry

AGGREGATES: Mapping[str, type[Kept]] = {
    "patient": Patient,
    "encounter": Encounter,
    "directory": Listing,
    "entry": Entry,
}
"""which aggregate keeps a kind of resource (`domain.fhir.types`)"""

_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "patient": {"record": "patient.register", "amend": "patient.amend", "read": "patient.read"},
    "encounter": {"record": "encounter.record", "amend": "encounter.amend", "read": "encounter.read"},
    "entry": {"record": "clinical.record", "amend": "clinical.amend", "read": "clinical.read"},
    "directory": {"record": "directory.write", "amend": "directory.amend", "read": "directory.read"},
}


def action_of(type: str, verb: str) -> str:
    """What the policy judges. A type that never belongs to a patient (a Medication) is kept like the directory.

    One that may (a Device) is not, even where it names nobody: it is its custodian's then.
    """
    kind = TYPES[type].kind
    return _ACTIONS["directory" if kind == "entry" and TYPES[type].belongs == "none" else kind][verb]
