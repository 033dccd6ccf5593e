"""What billing shows: rows that say what the ledger says, whatever way their events came."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given as every

from services.billing.domain.claim import Claim
from services.billing.domain.coverage import Coverage
from services.billing.domain.lines import Code
from services.billing.domain.money import Money
from services.billing.projections import ClaimRow, CoverageRow
from services.billing.service import service
from shared.contracts.envelope import Contract
from shared.kernel import PatientId
from shared.runtime.json import loads
from tests.support.scenario import SOME_TIME
from tests.support.topics import deliveries, shown, told

ANN = PatientId(UUID(int=7))
TODAY = SOME_TIME.date()


def usd(value: int) -> Money:
    return Money(value=Decimal(value), currency="USD")


def opened(number: int = 1) -> Claim:
    return Claim.open(
        id=UUID(int=number), patient=ANN, encounter=UUID(int=8), coverage=None, currency="USD", at=SOME_TIME
    )


def charge(claim: Claim, *, value: int = 120) -> None:
    code = Code(system="http://www.ama-assn.org/go/cpt", code="99213")
    claim.charge(code=code, units=Decimal(1), amount=usd(value), effective=TODAY, at=SOME_TIME)


def pay(claim: Claim, *, value: int = 120) -> None:
    claim.pay(amount=usd(value), effective=TODAY, paid_by="payer", at=SOME_TIME)


def reverse(claim: Claim, *, entry: int) -> None:
    claim.reverse(entry=entry, reason="entered in error", effective=TODAY, at=SOME_TIME)


def a_long_story(number: int) -> Claim:
    """Every kind of entry, and two submissions."""
    claim = opened(number)
    charge(claim, value=50)
    charge(claim, value=70)
    reverse(claim, entry=1)
    claim.submit(coverage=None, at=SOME_TIME)
    pay(claim, value=20)
    reverse(claim, entry=4)
    charge(claim, value=30)
    claim.submit(coverage=UUID(int=9), at=SOME_TIME)
    pay(claim, value=80)
    return claim


async def row(claim: Claim) -> dict[str, Any]:
    made = await shown(ClaimRow(), [told(service, claim, patient=ANN)])
    body: dict[str, Any] = loads(made[str(claim.id)].body)
    return body


async def test_an_open_claim_shows_whose_it_is_and_that_nothing_is_owed() -> None:
    shows = await row(opened())
    assert shows == {
        "id": str(UUID(int=1)),
        "patient": str(ANN),
        "organization": "north-clinic",
        "status": "open",
        "fhir_status": "draft",
        "balance": {"value": 0, "currency": "USD"},
        "encounter": str(UUID(int=8)),
        "coverage": None,
        "opened_at": SOME_TIME.isoformat(),
    }


async def test_a_claim_shows_the_balance_and_the_status_of_its_ledger() -> None:
    claim = opened()
    for ask in (
        charge,
        lambda one: one.submit(coverage=None, at=SOME_TIME),
        lambda one: pay(one, value=20),
        lambda one: reverse(one, entry=2),
        lambda one: one.submit(coverage=None, at=SOME_TIME),
        lambda one: pay(one, value=100),
        lambda one: reverse(one, entry=3),
    ):
        ask(claim)
        shows = await row(claim)
        assert (shows["balance"]["value"], shows["status"]) == (claim.balance().value, claim.status)
        assert shows["fhir_status"] == claim.fhir_status


async def test_a_coverage_shows_who_pays_from_when_to_when() -> None:
    coverage = Coverage.register(
        id=UUID(int=9),
        patient=ANN,
        payer="Aurora Health",
        member_id="AH-1",
        start=date(2026, 1, 1),
        end=None,
        order=2,
        at=SOME_TIME,
    )
    [document] = (await shown(CoverageRow(), [told(service, coverage, patient=ANN)])).values()
    assert loads(document.body) == {
        "id": str(UUID(int=9)),
        "patient": str(ANN),
        "organization": "north-clinic",
        "payer": "Aurora Health",
        "member_id": "AH-1",
        "period": {"start": "2026-01-01", "end": None},
        "order": 2,
    }


STORIES = [told(service, a_long_story(number), patient=ANN) for number in (1, 2, 3)]


@every(deliveries(STORIES))
async def test_however_the_events_came_the_rows_are_those_of_a_rebuild(batches: list[list[Contract]]) -> None:
    assert await shown(ClaimRow(), batches) == await shown(ClaimRow(), STORIES)
