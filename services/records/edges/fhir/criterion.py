"""The one condition that Bundles may state here: `Type?identifier=system|value` (FHIR R4, http: conditional create)."""

from typing import NamedTuple
from urllib.parse import unquote

from services.records.domain.identifier import UNIQUE


class Criterion(NamedTuple):
    """The resource of a type with this identifier. Identifiers of that type are unique, within their system."""

    type: str
    system: str
    value: str


def criterion(*, text: str) -> Criterion | None:
    """What `Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999895393` asks for; None for all other forms."""
    type, question, query = text.partition("?")
    name, _, token = query.partition("=")
    system, bar, value = unquote(token).partition("|")
    asks = question and name == "identifier" and system and bar and value and "&" not in query
    return Criterion(type, system, value) if asks and type in UNIQUE else None


def is_conditional(*, text: str) -> bool:
    """Whether a reference is a search and not the name of a resource; a URL elsewhere may have a query of its own."""
    return "?" in text and not text.startswith(("http://", "https://", "urn:"))
