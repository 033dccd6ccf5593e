"""What billing does when others speak: a visit that is over opens a claim."""

from datetime import date

from services.billing.commands import Commands
from shared.contracts.records import EncounterFinished
from shared.runtime.mandate import Mandate


async def open_claim(finished: EncounterFinished, *, commands: Commands, mandate: Mandate) -> object:
    """Opens the visit's claim, for the organisation whose visit it was. One without a patient has nobody to bill."""
    visit = finished.envelope
    if visit.patient is None:
        return None
    return await commands.open_for_visit(
        mandate=mandate, encounter=visit.subject, patient=visit.patient, on=_last_day(finished)
    )


def _last_day(finished: EncounterFinished) -> date:
    """By the clocks of the place, where the visit says when it ended (FHIR R4 Encounter.period)."""
    ended = str(finished.resource.get("period", {}).get("end", ""))
    return date.fromisoformat(ended[:10]) if len(ended) >= len("2026-03-02") else finished.envelope.time.date()
