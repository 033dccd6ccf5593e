"""A claim's ledger: what may be entered when, and what its balance is on any day."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import strategies as some

from services.billing.domain.claim import (
    AlreadyReversed,
    AlreadySubmitted,
    Claim,
    NoSuchEntry,
    NothingCharged,
    NotSubmitted,
    Postdated,
    ReversalOfReversal,
    ReversedBeforeEntered,
    WrongCurrency,
)
from services.billing.domain.lines import Code, NotACount
from services.billing.domain.money import Money, NotAnAmount
from shared.kernel import CarelogError, PatientId
from shared.runtime.log.mapper import EventMapper
from tests.support.scenario import SOME_ID, SOME_TIME, given, said

ANN = PatientId(UUID(int=7))
VISIT = UUID(int=8)
COVERAGE = UUID(int=9)
TODAY = SOME_TIME.date()
YESTERDAY = TODAY - timedelta(days=1)
CODE = Code(system="http://www.ama-assn.org/go/cpt", code="99213")


def usd(value: str) -> Money:
    return Money(value=Decimal(value), currency="USD")


OWED = usd("120")
OPENED = said(Claim.Opened, patient=ANN, currency="USD", encounter=VISIT)
CHARGED = said(Claim.Charged, entry=1, code=CODE, units=Decimal(1), amount=usd("120.00"), effective=TODAY)
SUBMITTED = said(Claim.Submitted, entry=2, total=usd("120.00"))
PAID = said(Claim.Paid, entry=3, amount=usd("120.00"), effective=TODAY, paid_by="payer")
RECALLED = said(
    Claim.Reversed, entry=3, reverses=2, kind="submission", amount=usd("0.00"), effective=TODAY, reason="late charge"
)


def charge(claim: Claim, *, amount: Money = OWED, units: str = "1", effective: date = TODAY) -> int:
    return claim.charge(code=CODE, units=Decimal(units), amount=amount, effective=effective, at=SOME_TIME)


def submit(claim: Claim) -> int:
    return claim.submit(coverage=None, at=SOME_TIME)


def pay(claim: Claim, *, amount: Money = OWED, effective: date = TODAY) -> int:
    return claim.pay(amount=amount, effective=effective, paid_by="payer", at=SOME_TIME)


def reverse(claim: Claim, *, entry: int, effective: date = TODAY) -> int:
    return claim.reverse(entry=entry, reason="entered in error", effective=effective, at=SOME_TIME)


def balance(*history: Any, at: date | None = None) -> Decimal:
    found: list[Decimal] = []
    given(Claim, *history).when(lambda claim: found.append(claim.balance(at=at).value)).then_nothing()
    return found[0]


def status(*history: Any) -> str:
    found: list[str] = []
    given(Claim, *history).when(lambda claim: found.append(claim.status)).then_nothing()
    return found[0]


def test_a_claim_is_opened_for_a_visit() -> None:
    given(Claim).when(
        lambda _: Claim.open(id=SOME_ID, patient=ANN, encounter=VISIT, coverage=COVERAGE, currency="USD", at=SOME_TIME)
    ).then(said(Claim.Opened, patient=ANN, encounter=VISIT, coverage=COVERAGE, currency="USD"))


def test_a_claim_in_an_unknown_currency_is_refused() -> None:
    given(Claim).when(
        lambda _: Claim.open(id=SOME_ID, patient=ANN, encounter=None, coverage=None, currency="XXX", at=SOME_TIME)
    ).then_refused(NotAnAmount)


def test_a_charge_is_entered_with_all_its_decimal_places() -> None:
    given(Claim, OPENED).when(charge).then(CHARGED)


def test_a_charge_in_another_currency_is_refused() -> None:
    euros = Money(value=Decimal(120), currency="EUR")
    given(Claim, OPENED).when(lambda claim: charge(claim, amount=euros)).then_refused(WrongCurrency)


@pytest.mark.parametrize("value", ["0", "-120", "120.001"])
def test_a_charge_that_is_no_exact_positive_amount_is_refused(value: str) -> None:
    given(Claim, OPENED).when(lambda claim: charge(claim, amount=usd(value))).then_refused(NotAnAmount)


@pytest.mark.parametrize("units", ["0", "-1", "0.0001", "NaN", "1000000", "1E+99"])
def test_a_charge_without_a_count_of_units_is_refused(units: str) -> None:
    given(Claim, OPENED).when(lambda claim: charge(claim, units=units)).then_refused(NotACount)


def test_a_charge_in_the_future_is_refused_but_east_of_here_it_is_tomorrow_already() -> None:
    tomorrow = TODAY + timedelta(days=1)
    given(Claim, OPENED).when(lambda claim: charge(claim, effective=tomorrow)).then(said(Claim.Charged))
    given(Claim, OPENED).when(lambda claim: charge(claim, effective=tomorrow + timedelta(days=1))).then_refused(
        Postdated
    )


def test_a_claim_is_submitted_with_the_total_of_its_charges() -> None:
    given(Claim, OPENED, CHARGED).when(submit).then(SUBMITTED)


def test_a_claim_may_be_given_its_coverage_when_it_is_submitted() -> None:
    given(Claim, OPENED, CHARGED).when(lambda claim: claim.submit(coverage=COVERAGE, at=SOME_TIME)).then(
        said(Claim.Submitted, coverage=COVERAGE)
    )


def test_a_claim_without_charges_is_not_submitted() -> None:
    given(Claim, OPENED).when(submit).then_refused(NothingCharged)


def test_a_claim_whose_charges_are_all_reversed_is_not_submitted() -> None:
    gone = said(
        Claim.Reversed, entry=2, reverses=1, kind="charge", amount=usd("-120.00"), effective=TODAY, reason="wrong code"
    )
    given(Claim, OPENED, CHARGED, gone).when(submit).then_refused(NothingCharged)


def test_a_claim_is_not_submitted_twice() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED).when(submit).then_refused(AlreadySubmitted)


def test_a_submitted_claim_takes_no_charges_and_keeps_those_it_has() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED).when(charge).then_refused(AlreadySubmitted)
    given(Claim, OPENED, CHARGED, SUBMITTED).when(lambda claim: reverse(claim, entry=1)).then_refused(AlreadySubmitted)


def test_reversing_the_submission_opens_the_claim_again() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED).when(lambda claim: reverse(claim, entry=2)).then(
        said(Claim.Reversed, entry=3, reverses=2, kind="submission", amount=usd("0.00"))
    )
    given(Claim, OPENED, CHARGED, SUBMITTED, RECALLED).when(charge).then(said(Claim.Charged, entry=4))
    given(Claim, OPENED, CHARGED, SUBMITTED, RECALLED).when(submit).then(said(Claim.Submitted, entry=4))


def test_a_payment_before_the_submission_is_refused() -> None:
    given(Claim, OPENED, CHARGED).when(pay).then_refused(NotSubmitted)
    given(Claim, OPENED, CHARGED, SUBMITTED, RECALLED).when(pay).then_refused(NotSubmitted)


def test_a_payment_is_entered_and_the_claim_is_paid() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED).when(pay).then(PAID)
    assert status(OPENED) == "open"
    assert status(OPENED, CHARGED, SUBMITTED) == "submitted"
    assert status(OPENED, CHARGED, SUBMITTED, PAID) == "paid"


def test_what_is_paid_in_part_stays_submitted() -> None:
    part = said(Claim.Paid, entry=3, amount=usd("20.00"), effective=TODAY, paid_by="patient")
    assert status(OPENED, CHARGED, SUBMITTED, part) == "submitted"
    assert balance(OPENED, CHARGED, SUBMITTED, part) == Decimal("100.00")


def test_more_than_is_owed_may_be_paid_and_is_a_credit() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED, PAID).when(pay).then(said(Claim.Paid, entry=4))
    twice = said(Claim.Paid, entry=4, amount=usd("120.00"), effective=TODAY, paid_by="patient")
    assert balance(OPENED, CHARGED, SUBMITTED, PAID, twice) == Decimal("-120.00")
    assert status(OPENED, CHARGED, SUBMITTED, PAID, twice) == "paid"


def test_a_payment_is_reversed_by_an_entry_that_names_it() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED, PAID).when(lambda claim: reverse(claim, entry=3)).then(
        said(Claim.Reversed, entry=4, reverses=3, kind="payment", amount=usd("120.00"))
    )


def test_a_charge_of_an_open_claim_is_reversed() -> None:
    given(Claim, OPENED, CHARGED).when(lambda claim: reverse(claim, entry=1)).then(
        said(Claim.Reversed, entry=2, reverses=1, kind="charge", amount=usd("-120.00"))
    )


def test_an_entry_is_reversed_once() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED, RECALLED).when(lambda claim: reverse(claim, entry=2)).then_refused(
        AlreadyReversed
    )


def test_a_reversal_is_not_reversed() -> None:
    given(Claim, OPENED, CHARGED, SUBMITTED, RECALLED).when(lambda claim: reverse(claim, entry=3)).then_refused(
        ReversalOfReversal
    )


@pytest.mark.parametrize("entry", [0, 2, -1, 10**9])
def test_what_is_not_there_is_not_reversed(entry: int) -> None:
    given(Claim, OPENED, CHARGED).when(lambda claim: reverse(claim, entry=entry)).then_refused(NoSuchEntry)


def test_a_reversal_does_not_take_effect_before_its_entry() -> None:
    given(Claim, OPENED, CHARGED).when(lambda claim: reverse(claim, entry=1, effective=YESTERDAY)).then_refused(
        ReversedBeforeEntered
    )


def test_the_balance_can_be_told_for_any_day() -> None:
    early = said(Claim.Charged, entry=1, code=CODE, units=Decimal(1), amount=usd("50.00"), effective=YESTERDAY)
    late = said(Claim.Charged, entry=2, code=CODE, units=Decimal(1), amount=usd("70.00"), effective=TODAY)
    assert balance(OPENED, early, late, at=YESTERDAY - timedelta(days=1)) == 0
    assert balance(OPENED, early, late, at=YESTERDAY) == Decimal("50.00")
    assert balance(OPENED, early, late, at=TODAY) == balance(OPENED, early, late) == Decimal("120.00")


# any sequence ----------------------------------------------------------------------------------------------------

Wish = Callable[[Claim], object]
days = some.integers(-3, 1).map(lambda n: TODAY + timedelta(days=n))
amounts = some.decimals("0.01", "999.99", places=2).map(lambda value: Money(value=value, currency="USD"))
wishes: some.SearchStrategy[Wish] = some.one_of(
    some.builds(lambda a, d: lambda claim: charge(claim, amount=a, effective=d), amounts, days),
    some.builds(lambda a, d: lambda claim: pay(claim, amount=a, effective=d), amounts, days),
    some.builds(lambda e, d: lambda claim: reverse(claim, entry=e, effective=d), some.integers(0, 9), days),
    some.just(submit),
)


def played(wanted: list[Wish]) -> Claim:
    claim = Claim.open(id=SOME_ID, patient=ANN, encounter=VISIT, coverage=None, currency="USD", at=SOME_TIME)
    for wish in wanted:
        before = len(claim.pending_events)
        try:
            wish(claim)
        except CarelogError:
            assert len(claim.pending_events) == before
    return claim


def state(claim: Claim) -> dict[str, Any]:
    return {name: value for name, value in vars(claim).items() if not name.startswith("_")}


@every(some.lists(wishes, max_size=20))
def test_replay_makes_the_state_that_was_live(wanted: list[Wish]) -> None:
    live = played(wanted)
    mapper = EventMapper()
    replayed: Any = None
    for event in live.pending_events:
        replayed = mapper.to_domain_event(mapper.to_stored_event(event)).mutate(replayed)
    assert state(replayed) == state(live)
    assert replayed.version == live.version


@every(some.lists(wishes, max_size=20), days)
def test_the_balance_is_the_sum_of_the_entries_on_any_day(wanted: list[Wish], day: date) -> None:
    claim = played(wanted)
    moves = [
        (event.effective, -event.amount.value if isinstance(event, Claim.Paid) else event.amount.value)
        for event in claim.pending_events
        if isinstance(event, Claim.Charged | Claim.Paid | Claim.Reversed)
    ]
    assert claim.balance().value == sum(value for _, value in moves)
    assert claim.balance(at=day).value == sum(value for effective, value in moves if effective <= day)


@every(some.lists(wishes, max_size=20))
def test_what_was_reversed_leaves_nothing_behind(wanted: list[Wish]) -> None:
    claim = played(wanted)
    standing: list[Any] = [
        event
        for number, event in claim.entries.items()
        if number not in claim.reversed and isinstance(event, Claim.Charged | Claim.Paid)
    ]
    owed = sum((e.amount.value if isinstance(e, Claim.Charged) else -e.amount.value for e in standing), Decimal(0))
    assert claim.balance().value == owed
    assert list(claim.entries) == list(range(1, len(claim.entries) + 1))
