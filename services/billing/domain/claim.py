"""Claim: what is owed for care, as a ledger. Its entries are its events, never changed; the balance is their sum.

A claim is *open* while charges are gathered, *submitted* when it went to whoever pays, *paid* when nothing is left to
pay. What was submitted stays as it was told: to charge more, or to take a charge back, its submission is reversed,
which opens it again, and it is submitted anew. Payments stand through that. More may be paid than is owed: the balance
is then negative, a credit, until the payment is reversed.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self, assert_never

from services.billing.domain.lines import Code, counted
from services.billing.domain.money import Money, exact, nothing
from shared.kernel import Aggregate, AggregateId, Birth, Event, OrganizationId, PatientId, Refused, named_id

Status = Literal["open", "submitted", "paid"]
Reversible = Literal["charge", "submission", "payment"]
Kind = Reversible | Literal["reversal"]
PaidBy = Literal["payer", "patient"]

_TOMORROW = timedelta(days=1)
"""east of Greenwich it may be tomorrow already"""


class AlreadyOpened(Refused):
    """There is a claim for this encounter already."""


class AlreadySubmitted(Refused):
    """The claim has been submitted: reverse its submission before you change its charges or submit it again."""


class NotSubmitted(Refused):
    """The claim has not been submitted: payments come after that."""


class NothingCharged(Refused):
    """The claim has no charge that stands: there is nothing to submit."""


class WrongCurrency(Refused):
    """The claim is in another currency: all entries of a claim have the same."""


class Postdated(Refused):
    """The date is in the future: an entry is made when it takes effect."""


class NoSuchEntry(Refused):
    """The claim has no entry with this number."""


class AlreadyReversed(Refused):
    """The entry has been reversed already."""


class ReversalOfReversal(Refused):
    """A reversal is not reversed: enter again what it took back."""


class ReversedBeforeEntered(Refused):
    """A reversal takes effect on the day of the entry it reverses, or later."""


class Claim(Aggregate):
    """One ledger, in one currency; for an encounter, where it was opened for one."""

    TOPIC = "billing.claim"

    class Opened(Birth):
        TOPIC: ClassVar[str] = "billing.claim.opened"
        patient: PatientId
        currency: str
        encounter: AggregateId | None = None
        coverage: AggregateId | None = None

    class Charged(Event):
        TOPIC: ClassVar[str] = "billing.claim.charged"
        entry: int
        code: Code
        units: Decimal
        amount: Money
        effective: date

    class Submitted(Event):
        TOPIC: ClassVar[str] = "billing.claim.submitted"
        entry: int
        total: Money
        coverage: AggregateId | None = None

    class Paid(Event):
        TOPIC: ClassVar[str] = "billing.claim.paid"
        entry: int
        amount: Money
        effective: date
        paid_by: PaidBy
        reference: str | None = None

    class Reversed(Event):
        TOPIC: ClassVar[str] = "billing.claim.reversed"
        entry: int
        reverses: int
        kind: Reversible
        amount: Money
        effective: date
        reason: str

    def __init__(self) -> None:
        self.patient: PatientId
        self.currency: str
        self.opened_at: datetime
        self.coverage: AggregateId | None = None
        self.entries: dict[int, Entry] = {}
        self.reversed: frozenset[int] = frozenset()
        self.submission: int | None = None

    @staticmethod
    def id_for(*, encounter: AggregateId, organization: OrganizationId) -> AggregateId:
        """The one claim that an organisation opens for an encounter."""
        return named_id("claim", str(encounter), organization)

    @classmethod
    def open(
        cls,
        *,
        id: AggregateId,
        patient: PatientId,
        encounter: AggregateId | None,
        coverage: AggregateId | None,
        currency: str,
        at: datetime,
    ) -> Self:
        nothing(currency)
        return cls._born(
            cls.Opened, id=id, at=at, patient=patient, encounter=encounter, coverage=coverage, currency=currency
        )

    def charge(self, *, code: Code, units: Decimal, amount: Money, effective: date, at: datetime) -> int:
        """Enters a charge: `amount` is for all its `units` together. Returns the entry's number."""
        self._must_be_open()
        return self._enter(
            Claim.Charged,
            at=at,
            code=code,
            units=counted(units),
            amount=self._exact(amount),
            effective=_by_now(effective, at),
        )

    def submit(self, *, coverage: AggregateId | None, at: datetime) -> int:
        """Sends it to whoever pays: the coverage, or the patient where there is none. Returns the entry's number."""
        self._must_be_open()
        charges = [e for e in self.entries.values() if isinstance(e, Claim.Charged) and e.entry not in self.reversed]
        if not charges:
            raise NothingCharged
        total = Money(value=sum((c.amount.value for c in charges), nothing(self.currency)), currency=self.currency)
        return self._enter(Claim.Submitted, at=at, total=total, coverage=coverage or self.coverage)

    def pay(
        self, *, amount: Money, effective: date, paid_by: PaidBy, reference: str | None = None, at: datetime
    ) -> int:
        """Enters a payment. Returns the entry's number."""
        if self.submission is None:
            raise NotSubmitted
        return self._enter(
            Claim.Paid,
            at=at,
            amount=self._exact(amount),
            effective=_by_now(effective, at),
            paid_by=paid_by,
            reference=reference,
        )

    def reverse(self, *, entry: int, reason: str, effective: date, at: datetime) -> int:
        """Takes back one entry by another of the opposite amount. Returns the new entry's number."""
        found = self._reversible(entry)
        if isinstance(found, Claim.Charged):
            self._must_be_open()
        if isinstance(found, Claim.Charged | Claim.Paid) and effective < found.effective:
            raise ReversedBeforeEntered
        return self._enter(
            Claim.Reversed,
            at=at,
            reverses=entry,
            kind=kind_of(found),
            amount=Money(value=nothing(self.currency) - effect_of(found), currency=self.currency),
            effective=_by_now(effective, at),
            reason=reason,
        )

    def balance(self, *, at: date | None = None) -> Money:
        """What is owed once all entries have taken effect, or at the end of that day; negative: a credit."""
        effects = (effect_of(e) for e in self.entries.values() if at is None or effective_of(e) <= at)
        return Money(value=sum(effects, nothing(self.currency)), currency=self.currency)

    @property
    def status(self) -> Status:
        if self.submission is None:
            return "open"
        return "submitted" if self.balance().value > 0 else "paid"

    @property
    def fhir_status(self) -> Literal["draft", "active"]:
        """FHIR R4 Claim.status: a draft until it is submitted."""
        return "draft" if self.submission is None else "active"

    def _enter(self, entry: type[Event], *, at: datetime, **facts: Any) -> int:
        number = len(self.entries) + 1
        self._record(entry, at=at, entry=number, **facts)
        return number

    def _must_be_open(self) -> None:
        if self.submission is not None:
            raise AlreadySubmitted

    def _exact(self, amount: Money) -> Money:
        amount = exact(amount)
        if amount.currency != self.currency:
            raise WrongCurrency
        return amount

    def _reversible(self, number: int) -> "Entry":
        found = self.entries.get(number)
        if found is None:
            raise NoSuchEntry
        if isinstance(found, Claim.Reversed):
            raise ReversalOfReversal
        if number in self.reversed:
            raise AlreadyReversed
        return found

    def _fold(self, event: "Claim.Opened | Entry") -> None:
        match event:
            case Claim.Opened():
                self.patient = event.patient
                self.coverage = event.coverage
                self.currency = event.currency
                self.opened_at = event.timestamp
            case Claim.Charged() | Claim.Paid():
                self.entries[event.entry] = event
            case Claim.Submitted():
                self.entries[event.entry] = event
                self.submission = event.entry
                self.coverage = event.coverage
            case Claim.Reversed():
                self.entries[event.entry] = event
                self.reversed |= {event.reverses}
                self.submission = None if event.reverses == self.submission else self.submission


Entry = Claim.Charged | Claim.Submitted | Claim.Paid | Claim.Reversed
"""what the ledger is made of"""


def kind_of(entry: Entry) -> Kind:
    match entry:
        case Claim.Charged():
            return "charge"
        case Claim.Submitted():
            return "submission"
        case Claim.Paid():
            return "payment"
        case Claim.Reversed():
            return "reversal"
        case _:
            assert_never(entry)


def effect_of(entry: Entry) -> Decimal:
    """What the entry adds to the balance."""
    match entry:
        case Claim.Charged() | Claim.Reversed():
            return entry.amount.value
        case Claim.Paid():
            return -entry.amount.value
        case Claim.Submitted():
            return nothing(entry.total.currency)
        case _:
            assert_never(entry)


def effective_of(entry: Entry) -> date:
    """The day from which it counts."""
    return entry.timestamp.date() if isinstance(entry, Claim.Submitted) else entry.effective


def _by_now(effective: date, at: datetime) -> date:
    if effective > at.date() + _TOMORROW:
        raise Postdated
    return effective
