"""F06: PostgreSQL is killed at work."""

from tests.faults.drill import Drill
from tests.faults.row import row


@row("F06", "PostgreSQL SIGKILL", injected="`kill -9` of the postmaster; the supervisor starts it again")
async def killed_postgres(drill: Drill) -> None:
    five = await drill.five()
    kills = drill.short_or_full(1, 5)
    for _ in range(kills):
        async with drill.under_load(five, heals_within=60):
            five.postmaster.kill()
    drill.note(kills=kills)
