"""What billing shows: a patient's coverages, and the claims, each with its balance. A claim's ledger is in the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from shared.contracts.billing import (
    ClaimCharged,
    ClaimOpened,
    ClaimPaid,
    ClaimReversed,
    ClaimSubmitted,
    CoverageRegistered,
)
from shared.contracts.envelope import Contract, Envelope
from shared.runtime.documents.port import Kind
from shared.runtime.projection import Documents, Shown


@dataclass(frozen=True)
class CoverageState:
    patient: str
    organization: str
    payer: str = ""
    member_id: str = ""
    start: str = ""
    end: str | None = None
    order: int = 1


class CoverageRow(Documents[CoverageState]):
    """A coverage, found by its patient in the order in which coverages pay."""

    name = "coverages"
    hears = ("billing",)
    fields: ClassVar[Mapping[str, Kind]] = {"patient": "text", "organization": "text", "rank": "number"}
    indexes: ClassVar[Sequence[Sequence[str]]] = (("patient", "rank"),)

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate == "billing.coverage" else ()

    def fold(self, state: CoverageState | None, contract: Contract) -> CoverageState:
        envelope = contract.envelope
        known = state or CoverageState(str(envelope.patient), envelope.organization)
        match contract:
            case CoverageRegistered():
                return replace(
                    known,
                    payer=contract.payer,
                    member_id=contract.member_id,
                    start=contract.start.isoformat(),
                    end=contract.end.isoformat() if contract.end else None,
                    order=contract.order,
                )
            case _:
                return known

    def render(self, id: str, states: Mapping[str, CoverageState]) -> Shown | None:
        coverage = states[id]
        return Shown(
            body={
                "id": id,
                "patient": coverage.patient,
                "organization": coverage.organization,
                "payer": coverage.payer,
                "member_id": coverage.member_id,
                "period": {"start": coverage.start, "end": coverage.end},
                "order": coverage.order,
            },
            fields={
                "patient": coverage.patient,
                "organization": coverage.organization,
                "rank": coverage.order,
            },
        )


@dataclass(frozen=True)
class ClaimState:
    patient: str
    organization: str
    opened_at: datetime
    currency: str = ""
    encounter: str | None = None
    coverage: str | None = None
    balance: Decimal = Decimal(0)
    submitted: bool = False


class ClaimRow(Documents[ClaimState]):
    """A claim, found by its patient and where it stands, the newest first."""

    name = "claims"
    hears = ("billing",)
    fields: ClassVar[Mapping[str, Kind]] = {
        "patient": "text",
        "organization": "text",
        "status": "text",
        "opened_at": "time",
    }
    indexes: ClassVar[Sequence[Sequence[str]]] = (
        ("patient", "opened_at"),
        ("organization", "opened_at"),
        ("organization", "status", "opened_at"),
    )

    def where(self, envelope: Envelope) -> Iterable[str]:
        return (envelope.subject_id,) if envelope.aggregate == "billing.claim" else ()

    def fold(self, state: ClaimState | None, contract: Contract) -> ClaimState:
        envelope = contract.envelope
        claim = state or ClaimState(str(envelope.patient), envelope.organization, envelope.time)
        match contract:
            case ClaimOpened():
                encounter, coverage = _text(contract.encounter), _text(contract.coverage)
                return replace(claim, currency=contract.currency, encounter=encounter, coverage=coverage)
            case ClaimCharged():
                return replace(claim, balance=claim.balance + contract.amount.value)
            case ClaimSubmitted():
                return replace(claim, submitted=True, coverage=_text(contract.coverage))
            case ClaimPaid():
                return replace(claim, balance=claim.balance - contract.amount.value)
            case ClaimReversed():
                submitted = claim.submitted and contract.kind != "submission"
                return replace(claim, balance=claim.balance + contract.amount.value, submitted=submitted)
            case _:
                return claim

    def render(self, id: str, states: Mapping[str, ClaimState]) -> Shown | None:
        claim = states[id]
        status = "open" if not claim.submitted else "submitted" if claim.balance > 0 else "paid"
        found_by = {"patient": claim.patient, "organization": claim.organization, "status": status}
        return Shown(
            body={
                **found_by,
                "id": id,
                "fhir_status": "active" if claim.submitted else "draft",
                "balance": {"value": claim.balance, "currency": claim.currency},
                "encounter": claim.encounter,
                "coverage": claim.coverage,
                "opened_at": claim.opened_at.isoformat(),
            },
            fields={**found_by, "opened_at": claim.opened_at},
        )


def _text(id: object | None) -> str | None:
    return str(id) if id else None
