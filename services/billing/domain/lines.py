"""What a charge is for: the code of what was done, and how many units of it."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from shared.kernel import Field, Invalid

LIMIT = 1_000_000
"""units of one charge are below this"""


class NotACount(Invalid):
    """Units are a positive number with at most three decimal places."""


class Code(BaseModel):
    """What was done, in the words of a code system such as CPT or HCPCS (FHIR R4 Coding)."""

    model_config = ConfigDict(frozen=True)

    system: str
    code: str


def counted(units: Decimal) -> Decimal:
    """The same number. Raises `NotACount`."""
    if not (units.is_finite() and 0 < units < LIMIT and units == round(units, 3)):
        message = f"must be greater than 0 and less than {LIMIT}, with at most 3 decimal places"
        raise NotACount(Field("units", message, "units"))
    return units
