"""What a service hears of others' aggregates: care relationships and last events; the same in every service.

The registering organisation has a care relationship to its patient; a sent referral gives one to the recipient, until
it is declined or its cancellation confirmed. Kept in PostgreSQL in every mode, beside the log that asks for it.
"""

from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from shared.contracts.envelope import Contract, Envelope
from shared.contracts.records import PatientRegistered
from shared.contracts.referrals import (
    ReferralCancellationConfirmed,
    ReferralDeclined,
    ReferralSent,
)
from shared.kernel import EventId, OrganizationId
from shared.runtime.documents.port import Equal, Query
from shared.runtime.json import loads
from shared.runtime.nearness import Heard, OwnPatients
from shared.runtime.projection import Documents, Shown
from shared.runtime.reading import Shelf

FOLLOWED = frozenset(
    {"records.patient", "records.encounter", "referrals.referral", "scheduling.appointment", "billing.claim"}
)
"""the aggregates that others name as their cause, or that make a care relationship"""

_PAGE = 1_000
_PATIENTS_AT_MOST = 20_000


@dataclass(frozen=True)
class Relation:
    """One aggregate of another service: whose it is, who is near the patient through it, and the last heard of it."""

    patient: str | None
    near: tuple[str, ...]
    last: str
    correlation: str


class Relations(Documents[Relation]):
    """A document for each followed aggregate."""

    name = "relations"
    hears = ("records", "scheduling", "billing", "referrals")
    about = FOLLOWED
    fields = {"patient": "text", "near": "texts"}  # noqa: RUF012

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate in FOLLOWED else ()

    def fold(self, state: Relation | None, contract: Contract) -> Relation:
        envelope = contract.envelope
        patient = envelope.patient_id
        last = Relation(patient, state.near if state else (), envelope.id, str(envelope.correlationid))
        match contract:
            case PatientRegistered():
                return replace(last, near=(envelope.organization,))
            case ReferralSent():
                return replace(last, near=(contract.recipient,))
            case ReferralDeclined() | ReferralCancellationConfirmed():
                return replace(last, near=())
            case _:
                return last

    def render(self, id: str, states: Mapping[str, Relation]) -> Shown | None:
        relation = states[id]
        body = {"near": relation.near, "patient": relation.patient, "last": relation.last}
        return Shown(
            body={**body, "correlation": relation.correlation},
            fields={"patient": relation.patient, "near": list(relation.near)},
        )


class HeardRelations:
    """Answers `Nearness` from the projection; an owner's own patients from its own log, at once."""

    def __init__(self, *, shelf: Shelf, own: OwnPatients) -> None:
        self._shelf = shelf
        self._own = own

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        query = Query(where=(Equal("patient", str(patient)), Equal("near", organization)), limit=1)
        return bool(await self._shelf.find(Relations, query)) or await self._own(organization, patient)

    async def patients_of(self, *, organization: OrganizationId) -> Several[str]:
        found: dict[str, None] = {}
        query = Query(where=(Equal("near", organization),), limit=_PAGE)
        while len(found) < _PATIENTS_AT_MOST:
            page = await self._shelf.find(Relations, query)
            found.update(dict.fromkeys(str(document.fields["patient"]) for document in page))
            if len(page) < _PAGE:
                break
            query = Query(where=query.where, limit=_PAGE, after=(None, page[-1].id))
        return found

    async def heard(self, aggregate: UUID) -> Heard | None:
        document = await self._shelf.get(Relations, str(aggregate))
        if document is None:
            return None
        body = loads(document.body)
        return Heard(
            last=EventId(body["last"]),
            correlation=UUID(body["correlation"]),
            patient=UUID(body["patient"]) if body["patient"] else None,
            near=frozenset(OrganizationId(name) for name in body["near"]),
        )
