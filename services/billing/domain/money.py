"""Money in exact decimals, never rounded: an amount has the decimal places that its currency has, or it is not one."""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from shared.kernel import Field, Invalid

MINOR_UNITS: Mapping[str, int] = {
    "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2,
    "HKD": 2, "HUF": 2, "ILS": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MXN": 2, "NOK": 2,
    "NZD": 2, "OMR": 3, "PLN": 2, "RON": 2, "SEK": 2, "SGD": 2, "TND": 3, "TRY": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip
"""the currencies that are taken, and the decimal places of each (ISO 4217)"""

LIMIT = Decimal(10) ** 12
"""an amount is below this: sums of them stay exact within a decimal's 28 digits"""


class NotAnAmount(Invalid):
    """An amount is positive, in a known currency, and has no more decimal places than the currency has."""


class Money(BaseModel):
    """An amount in a currency (FHIR R4 Money). A balance, and the change a reversal makes, may be negative."""

    model_config = ConfigDict(frozen=True)

    value: Decimal
    currency: str


def nothing(currency: str) -> Decimal:
    """Zero, with the decimal places of the currency. Raises `NotAnAmount` for an unknown currency."""
    if currency not in MINOR_UNITS:
        raise NotAnAmount(Field("currency", "must be one of " + ", ".join(MINOR_UNITS), "currency"))
    return Decimal(0).scaleb(-MINOR_UNITS[currency])


def exact(amount: Money) -> Money:
    """The same amount with all decimal places of its currency. Raises `NotAnAmount`."""
    unit = nothing(amount.currency)
    if not 0 < amount.value < LIMIT:
        raise NotAnAmount(Field("amount.value", f"must be greater than 0 and less than {LIMIT}", "amount"))
    value = amount.value.quantize(unit)
    if value != amount.value:
        places = MINOR_UNITS[amount.currency]
        raise NotAnAmount(Field("amount.value", f"must have at most {places} decimal places", "decimal_max_places"))
    return Money(value=value, currency=amount.currency)
