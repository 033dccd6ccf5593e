"""The directory: who and where care is given by. It belongs to no patient; its identifiers are unique for everybody."""

from services.records.domain.fhir import DIRECTORY
from services.records.domain.statement import Statement, kinds


class Listing(Statement):
    """An Organization, Practitioner, PractitionerRole or Location."""

    TOPIC = "records.listing"
    KINDS = kinds(DIRECTORY)
