"""What a referral is about, in FHIR's words (R4 Coding, CodeableConcept, Period). Their form is checked at the edge."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Coding(BaseModel):
    """A code of a terminology."""

    model_config = ConfigDict(frozen=True)

    code: str
    system: str | None = None
    display: str | None = None


class Concept(BaseModel):
    """Something said in words, in codes or both."""

    model_config = ConfigDict(frozen=True)

    text: str | None = None
    coding: tuple[Coding, ...] = ()


class Period(BaseModel):
    """From when to when; either end may be open."""

    model_config = ConfigDict(frozen=True)

    start: datetime | None = None
    end: datetime | None = None
