"""The topics of one service: what is to be done about them, and doing it; publishing a log again."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.runtime.bus.lease import ask_to_rewind
from shared.runtime.bus.topics import Step, apply_topics, dead_letter_topics, event_topics, topics_plan
from shared.runtime.operating.condition import groups
from shared.runtime.operating.operated import Operated, asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Republished:
    """From which position, and how many events that is."""

    after: int
    events: int


async def plan(of: Operated) -> Sequence[Step]:
    """Its own topic, those it hears, and the dead letters of its groups. Raises `Away`."""
    replicas = of.settings.kafka_replicas
    names = {group.partition("~")[0] for group in groups(of, {})}
    wanted = [*event_topics(of.topics, replicas=replicas), *dead_letter_topics(sorted(names), replicas=replicas)]
    return await asked("Kafka", of.kafka, of.patience, lambda: topics_plan(bootstrap=of.kafka, topics=wanted))


async def apply(of: Operated, steps: Sequence[Step]) -> None:
    """Raises `Away`, and `KafkaError` where the brokers refuse."""
    await asked("Kafka", of.kafka, of.patience, lambda: apply_topics(bootstrap=of.kafka, steps=steps))


async def republished(of: Operated, *, after: int, dry_run: bool) -> Republished:
    """Whichever relay is at work publishes what comes after this position again, within seconds. Raises `Away`."""
    async with of.log() as database:

        async def ask() -> Republished:
            position = await database.fetchval("SELECT position FROM relay")
            if not dry_run:
                await ask_to_rewind(database, to=after)
            return Republished(after=min(after, position), events=max(0, position - after))

        return await asked("PostgreSQL", of.postgres_place, of.patience, ask)
