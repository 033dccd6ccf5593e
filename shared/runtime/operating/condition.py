"""The condition of a service: what its engines say of it, each asked by itself, so that one that is away hides nothing.

`findings` says what of it is to be done something about.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.runtime.operating.lag import Bus, bus
from shared.runtime.operating.ledger import Ledger, ledger
from shared.runtime.operating.operated import Away, Operated, asked
from shared.runtime.projecting import collection_name
from shared.runtime.workers import group_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`away`: engines that did not answer, with what they say; what they would have told is None."""

    service: str
    ledger: Ledger | None
    live: Mapping[str, int] | None
    """each projection's live generation"""
    bus: Bus | None
    expected: Mapping[str, Sequence[str]]
    """the consumer groups that there must be, with the topics they read"""
    away: Mapping[str, str] = field(default_factory=dict)


async def condition(of: Operated) -> Condition:
    """Takes no longer than three times `patience`, whatever is away."""
    away: dict[str, str] = {}
    found, live = await asyncio.gather(_or_away(_ledger(of), "log", away), _or_away(_live(of), "documents", away))
    expected = groups(of, live or {})
    topics = _bus(of, expected)
    return Condition(
        service=of.service.name,
        ledger=found,
        live=live,
        bus=await _or_away(topics, "kafka", away),
        expected=expected,
        away=away,
    )


def groups(of: Operated, live: Mapping[str, int]) -> dict[str, list[str]]:
    """The consumer groups of the live generations and of the reactions, each with the topics that it reads."""
    name = of.service.name
    found = {
        group_of(name, one, live.get(one.name, 1)): [f"carelog.{heard}.v1" for heard in one.hears]
        for one in of.projections
    }
    for reaction in of.service.reactions:
        found[f"carelog.{name}.on-{reaction.to.TYPE.split('.')[1]}"] = [reaction.topic]
    return found


async def _ledger(of: Operated) -> Ledger:
    async with of.log() as database:
        return await asked("PostgreSQL", of.postgres_place, of.patience, lambda: ledger(database))


async def _live(of: Operated) -> dict[str, int]:
    async with of.stores() as stores:
        aliases = {
            store: await asked("the document store", of.documents_place, of.patience, store.aliases)
            for store in {stores.own, stores.beside}
        }
        return {
            one.name: int(aliases[stores.of(one)].get(one.name, collection_name(one, 1)).rsplit("_g", 1)[1])
            for one in of.projections
        }


async def _bus(of: Operated, expected: Mapping[str, Sequence[str]]) -> Bus:
    ours = f"carelog.{of.service.name}."
    return await asked(
        "Kafka", of.kafka, of.patience, lambda: bus(bootstrap=of.kafka, topics=of.topics, groups=expected, ours=ours)
    )


async def _or_away(question: Awaitable[T], engine: str, away: dict[str, str]) -> T | None:
    try:
        return await question
    except Away as silent:
        away[engine] = str(silent)
        return None
