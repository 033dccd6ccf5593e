"""Entry: one clinical statement about a patient, a FHIR R4 resource with its own versions. The rules are
`statement`'s.
"""

from services.records.domain.fhir import ENTRIES
from services.records.domain.statement import Statement, kinds


class Entry(Statement):
    """A condition, allergy, observation, report, document, goal ..."""

    TOPIC = "records.entry"
    KINDS = kinds(ENTRIES)
