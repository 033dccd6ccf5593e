"""Billing, put together: what it publishes, shows, answers to, and its doors."""

from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator

from services.billing.api import router
from services.billing.commands import Commands
from services.billing.domain.claim import Claim
from services.billing.domain.coverage import Coverage
from services.billing.domain.money import MINOR_UNITS
from services.billing.projections import ClaimRow, CoverageRow
from services.billing.queries import Queries
from services.billing.reactions import open_claim
from shared.contracts.billing import (
    ClaimCharged,
    ClaimOpened,
    ClaimPaid,
    ClaimReversed,
    ClaimSubmitted,
    CoverageRegistered,
)
from shared.contracts.records import EncounterFinished
from shared.runtime.service import Published, Reaction, Service
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


def _known(currency: str) -> str:
    if currency not in MINOR_UNITS:
        raise ValueError("must be one of " + ", ".join(MINOR_UNITS))
    return currency


class BillingSettings(Settings):
    """The settings of billing."""

    currency: Annotated[str, AfterValidator(_known)] = "USD"
    """The currency of a claim that nobody said another for (ISO 4217)."""


def parts(runtime: "Runtime") -> tuple[object, ...]:
    """Its commands and queries. Where a patient's coverages are, the commands ask the queries."""
    settings = cast(BillingSettings, runtime.settings)
    queries = Queries(documents=runtime.reader)
    return Commands(log=runtime.log, coverages=queries, currency=settings.currency), queries


service = Service(
    name="billing",
    title="Billing: coverages, and claims as ledgers",
    aggregates=(Coverage, Claim),
    publishes=(
        Published(Coverage.Registered, CoverageRegistered),
        Published(Claim.Opened, ClaimOpened),
        Published(Claim.Charged, ClaimCharged),
        Published(Claim.Submitted, ClaimSubmitted),
        Published(Claim.Paid, ClaimPaid),
        Published(Claim.Reversed, ClaimReversed),
    ),
    projections=(CoverageRow(), ClaimRow()),
    reactions=(Reaction(EncounterFinished, open_claim, action="visit.bill"),),
    routers=(router,),
    parts=parts,
    settings=BillingSettings,
)
