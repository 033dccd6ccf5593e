"""Money: exact, in the decimal places of its currency."""

from decimal import Decimal

import pytest

from services.billing.domain.money import Money, NotAnAmount, exact


@pytest.mark.parametrize(
    ("value", "currency", "kept"),
    [
        ("120", "USD", "120.00"),
        ("0.01", "USD", "0.01"),
        ("1E+2", "EUR", "100.00"),
        ("5.100", "USD", "5.10"),
        ("120", "JPY", "120"),
        ("0.125", "KWD", "0.125"),
        ("999999999999.99", "USD", "999999999999.99"),
    ],
)
def test_an_amount_has_the_places_of_its_currency(value: str, currency: str, kept: str) -> None:
    assert str(exact(Money(value=Decimal(value), currency=currency)).value) == kept


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("0", "USD"),
        ("-1", "USD"),
        ("0.001", "USD"),
        ("0.5", "JPY"),
        ("1000000000001", "USD"),
        ("1E+300", "USD"),
        ("1E-300", "USD"),
        ("1", "XXX"),
        ("1", "usd"),
        ("1", ""),
    ],
)
def test_what_is_no_amount_is_refused_without_showing_it(value: str, currency: str) -> None:
    with pytest.raises(NotAnAmount) as refused:
        exact(Money(value=Decimal(value), currency=currency))
    assert all(len(value) < 4 or value not in field.message for field in refused.value.fields)
