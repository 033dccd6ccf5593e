"""F02: a service is killed at work, again and again."""

from shared.contracts.catalogue import SERVICES
from tests.faults.drill import Drill
from tests.faults.row import row


@row("F02", "SIGKILL of each of the five services", injected="`kill -9` of the process; the supervisor starts it again")
async def killed_services(drill: Drill) -> None:
    five = await drill.five()
    rounds = drill.short_or_full(1, 4)
    for _ in range(rounds):
        names = drill.random.sample(SERVICES, len(SERVICES))
        async with drill.under_load(five, heals_within=30) as oracle:
            for name in names:
                five.process(name).kill()
                await oracle.more(5)
    drill.note(kills=rounds * len(SERVICES))
