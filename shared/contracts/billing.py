"""What billing says: who covers a patient, and every entry of every claim's ledger.

A claim's balance is the sum of its entries: charges add, payments take away, a reversal adds the signed amount that it
states. An entry is never changed; its number is its own within the claim.
"""

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import Contract


class Money(BaseModel):
    """An exact amount in a currency (FHIR R4 Money): ISO 4217, with as many decimal places as the currency has."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    value: Decimal
    currency: str


class Code(BaseModel):
    """What was done, in the words of a code system such as CPT or HCPCS (FHIR R4 Coding)."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    system: str
    code: str


class CoverageRegistered(Contract):
    """A payer pays for the patient's care, from `start` to `end` (both days included; none: open).

    Of several coverages the one with the lowest `order` pays first (FHIR R4 Coverage.order). For whoever bills.
    """

    TYPE = "billing.coverage.registered.v1"

    payer: str
    member_id: str
    start: date
    end: date | None = None
    order: int = 1


class ClaimOpened(Contract):
    """A ledger was opened, for an encounter (where there was one) and at first against this coverage, if any.

    All of its entries are in `currency`. The envelope's link `encounter` is on all of the claim's events.
    """

    TYPE = "billing.claim.opened.v1"

    currency: str
    encounter: UUID | None = None
    coverage: UUID | None = None


class ClaimCharged(Contract):
    """Something done was charged: `amount` for all `units` together, owed from the day `effective` on."""

    TYPE = "billing.claim.charged.v1"

    entry: int
    code: Code
    units: Decimal
    amount: Money
    effective: date


class ClaimSubmitted(Contract):
    """The claim went to whoever pays, with charges of `total`: the coverage, or the patient where there is none.

    Its charges stay as they are until this entry is reversed. For work queues and remittance.
    """

    TYPE = "billing.claim.submitted.v1"

    entry: int
    total: Money
    coverage: UUID | None = None


class ClaimPaid(Contract):
    """A payment came in on the day `effective`, from the payer or the patient. `reference`: its trace number, if any.

    The claim is paid when its balance is nothing or less; less than nothing is a credit.
    """

    TYPE = "billing.claim.paid.v1"

    entry: int
    amount: Money
    effective: date
    paid_by: Literal["payer", "patient"]
    reference: str | None = None


class ClaimReversed(Contract):
    """The entry `reverses`, of this `kind`, was taken back: the balance changes by `amount` from that day on.

    `amount` is signed: negative for a charge, positive for a payment, zero for a submission, whose reversal opens the
    claim again.
    """

    TYPE = "billing.claim.reversed.v1"

    entry: int
    reverses: int
    kind: Literal["charge", "submission", "payment"]
    amount: Money
    effective: date
    reason: str


PUBLISHED: tuple[type[Contract], ...] = (
    CoverageRegistered,
    ClaimOpened,
    ClaimCharged,
    ClaimSubmitted,
    ClaimPaid,
    ClaimReversed,
)
