"""At rest: the log holds every acknowledged command once, the topic all of it in order, the read models what a rebuild
makes of it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from time import monotonic
from uuid import UUID

import asyncpg

from shared.kernel import event_id
from tests.faults.grounds.small import Small
from tests.faults.million.load import Ledger
from tests.faults.oracle.oracle import few
from tests.faults.oracle.topics import Topics
from tests.faults.row import FellShort

_PAGE = 10_000
_LOOK = 2.0
_SHOWN = """
    SELECT (SELECT count(*) FROM events) AS events, (SELECT position FROM relay) AS published,
        (SELECT coalesce(sum(revision), 0) FROM tally_g1)::bigint AS tallied, (SELECT count(*) FROM lines_g1) AS lines
"""
_STANDING = "SELECT (SELECT count(*) FROM holes) AS holes, (SELECT count(*) FROM parked) AS parked"


async def at_rest(small: Small, ledger: Ledger, *, within: float, told: Callable[[str], None]) -> float:
    """Returns when every event is published and shown: the seconds it took. Raises `FellShort`."""
    began, wanted = monotonic(), ledger.acknowledged + ledger.reactions
    connection = await asyncpg.connect(small.database("records"))
    try:
        while set((now := dict((await connection.fetch(_SHOWN))[0])).values()) != {wanted}:
            told(f"of {wanted:,}: {', '.join(f'{name} {number:,}' for name, number in now.items())}")
            if monotonic() - began > within:
                raise FellShort(f"not at rest after {within:.0f} s: {now} where all should be {wanted}")
            await asyncio.sleep(_LOOK)
    finally:
        await connection.close()
    return monotonic() - began


async def kept(small: Small, ledger: Ledger) -> int:
    """How often a message was said again. Raises `FellShort` with all that is not as it was acknowledged."""
    topics = Topics(small)
    await topics.follow()
    wrong = [*topics.wrong]
    said = topics.values["records"]
    reactions = 0
    async for aggregate, version, command in _events(small, wrong):
        if said.pop(event_id(aggregate, version), None) is None:
            wrong.append(f"{aggregate}.{version} is not on its topic")
        acknowledged = ledger.versions[aggregate].pop(version, None)
        reactions += acknowledged is None
        if acknowledged not in (None, command):
            wrong.append(f"{aggregate}.{version} was acknowledged to another command")
    lost = [f"{aggregate}.{version}" for aggregate, left in ledger.versions.items() for version in left]
    wrong += [f"{one} was acknowledged, and is not in the log" for one in lost]
    wrong += [f"{one} is on the topic, and is not in the log" for one in said]
    if reactions != ledger.reactions:
        wrong.append(f"{reactions} events are no client's, where reactions make {ledger.reactions}")
    if wrong:
        raise FellShort(few(wrong))
    return topics.repeats


async def _events(small: Small, wrong: list[str]) -> AsyncIterator[tuple[UUID, int, int]]:
    """Aggregate, version and command of each, in the order of the log; positions and versions without a hole."""
    sql = f"SELECT position, aggregate, version, command FROM events WHERE position > $1 ORDER BY 1 LIMIT {_PAGE}"
    heads: dict[UUID, int] = {}
    last = 0
    connection = await asyncpg.connect(small.database("records"))
    try:
        while rows := await connection.fetch(sql, last):
            for position, aggregate, version, command in rows:
                if (position, version) != (last + 1, heads.get(aggregate, 0) + 1):
                    wrong.append(f"{aggregate}.{version} stands at {position} after {last}")
                last, heads[aggregate] = position, version
                yield aggregate, version, command.int
        for name, number in (await connection.fetch(_STANDING))[0].items():
            wrong += [f"{number} rows in {name}"] if number else []
    finally:
        await connection.close()


async def rebuilt(small: Small, projection: str) -> float:
    """A rebuild from the topic is equal, byte for byte: the seconds it took. Raises `FellShort`."""
    began = monotonic()
    rebuild = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.grounds.rebuilding", projection,
        env=small.environment("worker"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await rebuild.communicate()
    if not said.decode().endswith("switched\n"):
        raise FellShort(f"{projection} is not what a rebuild makes of the topic")
    return monotonic() - began
