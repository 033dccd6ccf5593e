"""Who is known in these tests, and what they say."""

from typing import Any
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.records import EncounterFinished
from tests.support.running import said

ANN = UUID("00000000-0000-7000-8000-00000000000a")
HEART = "heart-centre"
NORTH = "north-clinic"

COVERAGE: dict[str, Any] = {
    "patient": str(ANN),
    "payer": "Aurora Health",
    "member_id": "AH-40017",
    "period": {"start": "2026-01-01"},
}
CHARGE: dict[str, Any] = {
    "code": {"system": "http://www.ama-assn.org/go/cpt", "code": "99213"},
    "amount": {"value": "120.00", "currency": "USD"},
    "effective": "2026-03-02",
}
PAYMENT: dict[str, Any] = {"amount": {"value": 120, "currency": "USD"}, "effective": "2026-03-20"}


def finished(*, number: int = 1, origin: str = "live", by: str = HEART) -> Contract:
    """A visit of the heart centre's is over."""
    visit = EncounterFinished(resource={"resourceType": "Encounter", "period": {"end": "2026-03-02T10:00:00+01:00"}})
    return said(visit, subject=UUID(int=number), patient=ANN, organization=by, version=4, origin=origin)
