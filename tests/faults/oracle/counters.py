"""What is asked of the small service: counters that are opened and counted, some by two at once, some by others."""

from random import Random

from deploy.story.cast import NORTH_DOCTOR
from tests.faults.oracle.oracle import Oracle

_COUNTS = 8


async def count(oracle: Oracle, random: Random) -> None:
    """Opens one (which may count another one by a reaction), then counts some that are known."""
    known = oracle.known.setdefault("counters", [])
    body = {"note": random.choice(known)} if known and random.random() < 0.25 else {}
    answer = await oracle.command(NORTH_DOCTOR, "POST", "records", "/counters", body, effect=["records.counter.opened"])
    if answer.fine:
        known.append(answer.body["id"])
    for _ in range(random.randrange(_COUNTS)):
        which = random.choice(known[-20:])
        # Who says which version it knows may be told that it is another one by now (412).
        matching = {"If-Match": 'W/"2"'} if random.random() < 0.1 else {}
        await oracle.command(
            NORTH_DOCTOR,
            "POST",
            "records",
            f"/counters/{which}/count",
            effect=["records.counter.counted"],
            headers=matching,
        )
