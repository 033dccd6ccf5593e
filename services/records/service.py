"""What records is made of: its table of contents, and the one place where its parts meet."""

from services.records import commands, queries
from services.records.api import router
from services.records.domain.directory import Listing
from services.records.domain.encounter import Encounter
from services.records.domain.entry import Entry
from services.records.domain.identifier import Identifier
from services.records.domain.patient import Patient
from services.records.domain.statement import Statement
from services.records.edges.fhir.door import router as fhir
from services.records.edges.fhir.outcome import rendered
from services.records.projections import Resources, Timeline
from shared.contracts import records as say
from shared.runtime.runtime import Runtime
from shared.runtime.service import Published, Service


def parts(runtime: Runtime) -> tuple[object, ...]:
    return (
        commands.Commands(log=runtime.log),
        queries.Queries(documents=runtime.reader, log=runtime.log),
    )


def _kinds(statement: type[Statement]) -> tuple[Published, ...]:
    """Three contracts for each FHIR type."""
    return tuple(
        Published(event, contract)
        for name, kind in statement.KINDS.items()
        for event, contract in (
            (kind.recorded, say.KINDS[name].recorded),
            (kind.amended, say.KINDS[name].amended),
            (kind.retracted, say.KINDS[name].retracted),
        )
    )


service = Service(
    name="records",
    title="Carelog records",
    aggregates=(Patient, Encounter, Entry, Listing, Identifier),
    publishes=(
        Published(Patient.Registered, say.PatientRegistered),
        Published(Patient.Amended, say.PatientAmended),
        Published(Patient.Retracted, say.PatientRetracted),
        Published(Identifier.Claimed, say.IdentifierClaimed),
        Published(Identifier.Released, say.IdentifierReleased),
        Published(Identifier.ClaimedAgain, say.IdentifierClaimedAgain),
        Published(Encounter.Recorded, say.EncounterRecorded),
        Published(Encounter.Amended, say.EncounterAmended),
        Published(Encounter.Arrived, say.EncounterArrived),
        Published(Encounter.Triaged, say.EncounterTriaged),
        Published(Encounter.Started, say.EncounterStarted),
        Published(Encounter.Suspended, say.EncounterSuspended),
        Published(Encounter.Resumed, say.EncounterResumed),
        Published(Encounter.Finished, say.EncounterFinished),
        Published(Encounter.Cancelled, say.EncounterCancelled),
        Published(Encounter.EnteredInError, say.EncounterEnteredInError),
        Published(Encounter.Retracted, say.EncounterRetracted),
        *_kinds(Entry),
        *_kinds(Listing),
    ),
    projections=(Resources(), Timeline()),
    routers=(router, fhir),
    errors={"/fhir": rendered},
    parts=parts,
)
