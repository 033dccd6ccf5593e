"""After the fault: waits until everything has come to rest, then asks for every promise whether it was kept."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from time import monotonic

import asyncpg
from aiokafka.errors import KafkaError

from shared.contracts.envelope import Contract
from shared.kernel import Unavailable
from tests.faults.grounds.ground import Ground
from tests.faults.oracle.canaries import in_dead_letters, in_files, in_strangers_hands
from tests.faults.oracle.clinical import miscounted, overlapping
from tests.faults.oracle.documents import Difference, differences
from tests.faults.oracle.oracle import Oracle, few
from tests.faults.oracle.topics import behind_its_topic
from tests.faults.row import FellShort

_LOOK, _TELL = 0.25, 5.0
_KAFKA_ANSWERS = 30.0
"""seconds; a client that lost its broker would look for it for ever"""
_AWAY = (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable)
_STRANGE_LOOKS = 3
"""patients whose doors a stranger tries"""


async def healed(oracle: Oracle, *, within: float, told: Callable[[str], None] = lambda what: None) -> float:
    """Returns when all that was said is published and shown everywhere: the seconds it took. Raises `FellShort`.

    `told` hears now and then what is still missing.
    """
    began = tells_at = monotonic()
    left: Sequence[object] = ("nothing answered",)
    while True:
        with suppress(*_AWAY):
            if not (left := await _left(oracle)):
                return monotonic() - began
        if monotonic() - began > within:
            raise FellShort(f"not healed after {within:.0f} s: {few([str(one) for one in left])}")
        if monotonic() - tells_at > _TELL:
            tells_at = monotonic()
            told(f"after {tells_at - began:.0f} s: {few([str(one) for one in left])}")
        await asyncio.sleep(_LOOK)


async def _left(oracle: Oracle) -> Sequence[object]:
    """What is not at rest: unpublished events, documents that are behind, reactions that have not read all."""
    await oracle.mirror.follow()
    if waiting := await _unpublished(oracle):
        return waiting
    if behind := [one for one in await differences(oracle.ground, oracle.mirror) if one.behind]:
        return behind
    async with asyncio.timeout(_KAFKA_ANSWERS):
        unread = await behind_its_topic(oracle.ground.kafka, _reactions(oracle.ground))
    if unread:
        return unread
    return ["reactions still answer"] if await oracle.mirror.follow() else []


def _reactions(ground: Ground) -> Mapping[str, str]:
    """Their consumer groups, each with its topic: what they have not read may still make events."""
    return {
        f"carelog.{name}.on-{reaction.to.TYPE.split('.')[1]}": reaction.topic
        for name, service in ground.services.items()
        for reaction in service.reactions
    }


async def _unpublished(oracle: Oracle) -> list[str]:
    found = []
    for service, stream in oracle.mirror.streams.items():
        connection = await asyncpg.connect(oracle.ground.database(service), timeout=10)
        try:
            position = await connection.fetchval("SELECT position FROM relay")
        finally:
            await connection.close()
        if position < stream.head:
            found.append(f"{stream.head - position} events of {service} are not published")
    return found


async def judged(oracle: Oracle) -> None:
    """Every promise, at rest. Raises `FellShort` with all that is not so, each with the name of its promise."""
    await oracle.topics.follow()
    found = {
        "I1": [*oracle.wrong, *oracle.unkept()],
        "I2": [*oracle.mirror.wrong, *oracle.topics.differences(oracle.mirror)],
        "I3": [str(one) for one in await _differences(oracle)],
        "I5": list(overlapping(_told(oracle, "scheduling"))),
        "I6": list(miscounted(_told(oracle, "billing"))),
        "I7": await _strangers(oracle),
        "I8": await _leaks(oracle.ground, oracle.canary),
        "I10": await _troubles(oracle),
    }
    if said := [f"{promise}: {few(wrong)}" for promise, wrong in found.items() if wrong]:
        raise FellShort(". ".join(said))


async def _differences(oracle: Oracle) -> list[Difference]:
    return await differences(oracle.ground, oracle.mirror)


def _told(oracle: Oracle, service: str) -> Sequence[Contract]:
    stream = oracle.mirror.streams.get(service)
    return stream.told if stream else ()


async def _strangers(oracle: Oracle) -> list[str]:
    some = Random(oracle.seed).sample(oracle.patients, min(_STRANGE_LOOKS, len(oracle.patients)))
    return [one async for one in in_strangers_hands(oracle.client, some, canary=oracle.canary)]


async def _leaks(ground: Ground, canary: str) -> list[str]:
    return [
        *in_files(ground.written(), canary=canary),
        *[one async for one in in_dead_letters(ground, canary=canary)],
    ]


_STANDING = {
    "holes": "SELECT count(*) FROM holes",
    "parked": "SELECT count(*) FROM parked WHERE (topic, partition, offset_at) NOT IN"
    " (SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]))",
}


async def _troubles(oracle: Oracle) -> list[str]:
    """Nothing stands still on record, but what the row has put there to be refused."""
    found = []
    refused = [list(column) for column in zip(*oracle.poison, strict=True)] or [[], [], []]
    for service in oracle.ground.services:
        connection = await asyncpg.connect(oracle.ground.database(service), timeout=10)
        try:
            for table, question in _STANDING.items():
                number = await connection.fetchval(question, *(refused if "$1" in question else ()))
                found += [f"{number} rows in {table} of {service}"] if number else []
        finally:
            await connection.close()
    return found
