"""What scheduling does when others speak: a visit that is over has fulfilled its appointment."""

from uuid import UUID

from services.scheduling.commands import Commands
from shared.contracts.records import EncounterFinished
from shared.runtime.mandate import Mandate


async def fulfil_appointment(finished: EncounterFinished, *, commands: Commands, mandate: Mandate) -> object:
    """Calls the appointment of the visit fulfilled, where it came of one."""
    appointment = finished.envelope.links.get("appointment")
    if appointment is None:
        return None
    return await commands.fulfil_by_visit(
        mandate=mandate, appointment=UUID(appointment), patient=finished.envelope.patient
    )
