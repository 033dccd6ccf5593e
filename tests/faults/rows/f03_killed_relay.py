"""F03: the relay is killed when the broker has acknowledged and its position is not saved; then at any moment."""

import asyncio

from tests.faults.drill import Drill
from tests.faults.grounds.counting import EXIT_BEFORE_SAVE
from tests.faults.row import FellShort, row

PROCESSES = ("api", "relay", "worker")


@row(
    "F03",
    "relay SIGKILL between acknowledgement and saved position",
    injected="a failpoint ends the relay's process in place of its n-th save; then `kill -9` at random moments",
)
async def killed_relay(drill: Drill) -> None:
    small = await drill.stage.small(name="relayed", processes=PROCESSES)
    saves = drill.short_or_full(4, 25)
    async with drill.under_load(small, clients=8, heals_within=60) as oracle:
        for n in range(saves):
            await small.renew("relay", told={EXIT_BEFORE_SAVE: str(1 + n % 3)})
            keeper = small.keepers["relay"]
            if not await oracle.comes_to(lambda keeper=keeper: keeper.deaths > 0):  # type: ignore[misc]
                raise FellShort("the relay did not come to its save")
        await small.renew("relay")
        for _ in range(drill.short_or_full(3, 50)):
            small.process("relay").kill()
            await oracle.more(drill.random.randrange(5, 40))
            await small.ready("relay")
            await asyncio.sleep(drill.random.random())
    drill.note(died_before_a_save=saves, killed=drill.short_or_full(3, 50), said_again=oracle.topics.repeats)
    if not oracle.topics.repeats:
        raise FellShort("nothing was said twice: no relay died between acknowledgement and save")
