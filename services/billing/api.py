"""Billing's doors: coverages, claims and their ledgers."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from services.billing.commands import Commands
from services.billing.domain.claim import PaidBy, Status
from services.billing.domain.lines import Code
from services.billing.domain.money import Money
from services.billing.queries import Queries
from shared.kernel import Actor
from shared.runtime.http.doors import WaitFor, doors, may, reads, reply, the, told
from shared.runtime.http.wishes import Day, Limit, Line, Wish
from shared.runtime.mandate import Mandate
from shared.runtime.reading import Page

router = doors(tag="billing")

Do = Annotated[Commands, the(Commands)]
Ask = Annotated[Queries, the(Queries)]
Changing = Annotated[Mandate, may("claim.change")]
Reading = Annotated[Actor, reads("claim.read")]


class Period(Wish):
    """From the first to the last day; without an end it goes on."""

    start: Day = Field(examples=["2026-01-01"])
    end: Day | None = None


class Amount(Wish):
    """An exact amount, with no more decimal places than its currency has."""

    value: Decimal = Field(max_digits=18, examples=["120.00"])
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["USD"])

    @property
    def money(self) -> Money:
        return Money(value=self.value, currency=self.currency)


class Coding(Wish):
    """What was done, in the words of a code system such as CPT or HCPCS."""

    system: str = Field(min_length=1, max_length=200, examples=["http://www.ama-assn.org/go/cpt"])
    code: str = Field(min_length=1, max_length=40, pattern=r"^\S+( \S+)*$", examples=["99213"])


class RegisterCoverage(Wish):
    """A payer pays for the patient's care. Of several, the one with the lowest order pays first."""

    patient: UUID
    payer: Line = Field(examples=["Aurora Health"])
    member_id: str = Field(min_length=1, max_length=80, pattern=r"\S", examples=["AH-40017"])
    period: Period
    order: int = Field(default=1, ge=1, le=99, strict=True)


class OpenClaim(Wish):
    """A ledger to be opened by hand; finished encounters open theirs by themselves."""

    patient: UUID
    encounter: UUID | None = None
    coverage: UUID | None = None
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")


class Charge(Wish):
    """Something done, to be paid for: `amount` is for all its units together."""

    code: Coding
    units: Decimal = Field(default=Decimal(1), max_digits=12, examples=[1])
    amount: Amount
    effective: Day = Field(examples=["2026-03-02"])


class Submit(Wish):
    """Send the claim to who pays: this coverage, else the claim's own, else the patient."""

    coverage: UUID | None = None


class Payment(Wish):
    """Money that came in. `reference` is its trace number, if it has one."""

    amount: Amount
    effective: Day = Field(examples=["2026-03-20"])
    paid_by: PaidBy = "payer"
    reference: str | None = Field(default=None, min_length=1, max_length=80)


class Reversal(Wish):
    """Take back an entry, by its number."""

    entry: int = Field(ge=1, strict=True)
    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")
    effective: Day = Field(examples=["2026-03-21"])


@router.post("/coverages", status_code=201)
async def register_coverage(
    wish: RegisterCoverage, commands: Do, mandate: Annotated[Mandate, may("coverage.register")]
) -> Response:
    done = await commands.register_coverage(
        mandate=mandate,
        patient=wish.patient,
        payer=wish.payer,
        member_id=wish.member_id,
        start=wish.period.start,
        end=wish.period.end,
        order=wish.order,
    )
    return reply(done, status=201)


@router.get("/coverages")
async def coverages(
    patient: UUID,
    queries: Ask,
    actor: Annotated[Actor, reads("coverage.read")],
    wait_for: WaitFor,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page:
    return await queries.coverages(actor=actor, patient=patient, cursor=cursor, limit=limit, wait_for=wait_for)


@router.post("/claims", status_code=201)
async def open_claim(wish: OpenClaim, commands: Do, mandate: Annotated[Mandate, may("claim.open")]) -> Response:
    done = await commands.open_claim(
        mandate=mandate,
        patient=wish.patient,
        encounter=wish.encounter,
        coverage=wish.coverage,
        currency=wish.currency,
    )
    return reply(done, status=201, location="/claims/{id}")


@router.get("/claims")
async def claims(
    queries: Ask,
    actor: Reading,
    wait_for: WaitFor,
    patient: UUID | None = None,
    status: Status | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page:
    return await queries.claims(
        actor=actor, patient=patient, status=status, cursor=cursor, limit=limit, wait_for=wait_for
    )


@router.get("/claims/{id}")
async def claim(id: UUID, commands: Do, actor: Reading) -> Response:
    """The claim with its ledger, as it is now."""
    return told(await commands.claim(mandate=Mandate(actor=actor, action="claim.read"), claim=id))


@router.get("/claims/{id}/balance")
async def balance(id: UUID, commands: Do, actor: Reading, at: Day | None = None) -> Response:
    """What is owed at the end of a day; without one, once every entry has taken effect."""
    return told(await commands.balance(mandate=Mandate(actor=actor, action="claim.read"), claim=id, at=at))


@router.post("/claims/{id}/charges", status_code=201)
async def charge(id: UUID, wish: Charge, commands: Do, mandate: Changing) -> Response:
    done = await commands.charge(
        mandate=mandate,
        claim=id,
        code=Code(system=wish.code.system, code=wish.code.code),
        units=wish.units,
        amount=wish.amount.money,
        effective=wish.effective,
    )
    return reply(done, status=201)


@router.post("/claims/{id}/submit")
async def submit(id: UUID, commands: Do, mandate: Changing, wish: Submit | None = None) -> Response:
    return reply(await commands.submit(mandate=mandate, claim=id, coverage=wish.coverage if wish else None))


@router.post("/claims/{id}/payments", status_code=201)
async def pay(id: UUID, wish: Payment, commands: Do, mandate: Changing) -> Response:
    done = await commands.pay(
        mandate=mandate,
        claim=id,
        amount=wish.amount.money,
        effective=wish.effective,
        paid_by=wish.paid_by,
        reference=wish.reference,
    )
    return reply(done, status=201)


@router.post("/claims/{id}/reversals", status_code=201)
async def reverse(id: UUID, wish: Reversal, commands: Do, mandate: Changing) -> Response:
    done = await commands.reverse(
        mandate=mandate, claim=id, entry=wish.entry, reason=wish.reason, effective=wish.effective
    )
    return reply(done, status=201)
