"""What records says: who the patients are, their visits, every clinical statement, and the directory.

`resource` is the whole FHIR R4 resource as it is after the event, its id included. A topic within the trust boundary
carries it as it is: what a subscriber may keep of it is the subscriber's care.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Contract

Resource = dict[str, Any]


class PatientRegistered(Contract):
    """A person was registered. The envelope's organisation has a care relationship to them from now on."""

    TYPE = "records.patient.registered.v1"

    resource: Resource


class PatientAmended(Contract):
    """What is known of who a patient is was corrected or completed."""

    TYPE = "records.patient.amended.v1"

    resource: Resource


class PatientRetracted(Contract):
    """The registration was a mistake; nothing new should be said about this patient."""

    TYPE = "records.patient.retracted.v1"

    reason: str


class IdentifierClaimed(Contract):
    """`bearer`, a resource of this FHIR `type`, has this identifier; nobody else has it."""

    TYPE = "records.identifier.claimed.v1"

    type: str
    system: str
    value: str
    bearer: UUID


class IdentifierReleased(Contract):
    """Its bearer has it no longer; it can be claimed again."""

    TYPE = "records.identifier.released.v1"


class IdentifierClaimedAgain(Contract):
    """After it was released, another one has it."""

    TYPE = "records.identifier.claimed-again.v1"

    bearer: UUID


class EncounterRecorded(Contract):
    """A visit is known. `status` is FHIR's EncounterStatus at that moment; imported history may begin in any."""

    TYPE = "records.encounter.recorded.v1"

    status: str
    resource: Resource


class EncounterAmended(Contract):
    """What is known of a visit was corrected or completed; it is in the same state as before."""

    TYPE = "records.encounter.amended.v1"

    resource: Resource


class EncounterArrived(Contract):
    """The patient is there."""

    TYPE = "records.encounter.arrived.v1"

    resource: Resource


class EncounterTriaged(Contract):
    """How urgent it is was judged."""

    TYPE = "records.encounter.triaged.v1"

    resource: Resource


class EncounterStarted(Contract):
    """Care is being given."""

    TYPE = "records.encounter.started.v1"

    resource: Resource


class EncounterSuspended(Contract):
    """The patient is on leave."""

    TYPE = "records.encounter.suspended.v1"

    resource: Resource


class EncounterResumed(Contract):
    """The patient is back from leave."""

    TYPE = "records.encounter.resumed.v1"

    resource: Resource


class EncounterFinished(Contract):
    """The visit is over. It happened at the end of its period, where that was said. Billing opens a claim."""

    TYPE = "records.encounter.finished.v1"

    resource: Resource


class EncounterCancelled(Contract):
    """The visit will not take place."""

    TYPE = "records.encounter.cancelled.v1"

    resource: Resource


class EncounterEnteredInError(Contract):
    """The visit should never have been recorded, says who recorded it."""

    TYPE = "records.encounter.entered-in-error.v1"

    resource: Resource


class EncounterRetracted(Contract):
    """The record of the visit was taken back, with a reason."""

    TYPE = "records.encounter.retracted.v1"

    reason: str


class Recorded(Contract):
    """A {type} was recorded."""

    resource: Resource


class Amended(Contract):
    """A {type} was corrected or completed; `resource` is the whole of it as it is now."""

    resource: Resource


class Retracted(Contract):
    """A {type} was taken back, with a reason. It should not be relied on any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The three contracts of one FHIR type."""

    recorded: type[Recorded]
    amended: type[Amended]
    retracted: type[Retracted]


def _contract(type_name: str, base: type[Any]) -> Any:
    """`ObservationRecorded`, published as `records.observation.recorded.v1`."""
    word = base.__name__
    facts = {
        "TYPE": f"records.{type_name.lower()}.{word.lower()}.v1",
        "__doc__": (base.__doc__ or "").format(type=type_name),
        "__module__": __name__,
    }
    return type(f"{type_name}{word}", (base,), facts)


ENTRY_TYPES = (
    "Condition", "AllergyIntolerance", "Observation", "DiagnosticReport", "Procedure", "Immunization",
    "MedicationRequest",
    "MedicationStatement", "MedicationAdministration", "Medication", "DocumentReference", "CarePlan", "CareTeam",
    "Goal",
    "Device", "ImagingStudy", "SupplyDelivery", "Provenance", "Consent", "ServiceRequest", "Specimen",
    "FamilyMemberHistory", "QuestionnaireResponse",
)  # fmt: skip
"""the FHIR types of clinical statements; `KINDS` has the contracts of each"""

DIRECTORY_TYPES = ("Organization", "Practitioner", "PractitionerRole", "Location")

KINDS: Mapping[str, Kind] = {
    name: Kind(_contract(name, Recorded), _contract(name, Amended), _contract(name, Retracted))
    for name in (*ENTRY_TYPES, *DIRECTORY_TYPES)
}

PUBLISHED: tuple[type[Contract], ...] = (
    PatientRegistered,
    PatientAmended,
    PatientRetracted,
    IdentifierClaimed,
    IdentifierReleased,
    IdentifierClaimedAgain,
    EncounterRecorded,
    EncounterAmended,
    EncounterArrived,
    EncounterTriaged,
    EncounterStarted,
    EncounterSuspended,
    EncounterResumed,
    EncounterFinished,
    EncounterCancelled,
    EncounterEnteredInError,
    EncounterRetracted,
    *(contract for kind in KINDS.values() for contract in (kind.recorded, kind.amended, kind.retracted)),
)
