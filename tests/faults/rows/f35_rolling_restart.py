"""F35: every process is restarted in turn, politely, while commands come."""

from tests.faults.drill import Drill
from tests.faults.row import FellShort, row

PROCESSES = ("api", "api-2", "relay", "worker", "worker-2")


@row(
    "F35",
    "SIGTERM rolling restart",
    injected="SIGTERM to each process in turn (two doors, relay, two workers); clients that are refused a connection go"
    " to the other door, as behind a load balancer",
)
async def rolling_restart(drill: Drill) -> None:
    small = await drill.stage.small(name="rolling", processes=PROCESSES)
    rounds = drill.short_or_full(1, 10)
    async with drill.under_load(small, clients=8, heals_within=60) as oracle:
        for _ in range(rounds):
            for name in PROCESSES:
                await small.renew(name)
                await oracle.more(5)
    trouble = oracle.client.trouble
    drill.note(
        restarts=rounds * len(PROCESSES),
        errors=trouble.later + trouble.hung + trouble.broken,
        sent_to_the_other_door=trouble.unreached,
    )
    if trouble.later or trouble.hung or trouble.broken:
        raise FellShort(
            f"clients saw {trouble.later} answers of 503, {trouble.broken} connections that ended before an answer"
            f" and {trouble.hung} that hung"
        )
