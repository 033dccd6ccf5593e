"""Events that reactions have not answered: found by the ids of the commands that they would have given.

A reaction's command id is made of the event and the reaction, and is in the log once it was carried out or refused. A
reaction that gave no command leaves no trace: its event is handed to it once more, which is harmless for the same
reason.
"""

import logging
from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

from shared.contracts.catalogue import topic_of
from shared.contracts.envelope import Contract, Envelope, to_headers
from shared.runtime.bus.listening import Heard
from shared.runtime.bus.messages import partition_of
from shared.runtime.bus.parking import Aside, Parking, why
from shared.runtime.bus.reactor import Reactor
from shared.runtime.bus.trying import Failed, NotYet, tried
from shared.runtime.bus.wire import Record
from shared.runtime.json import dumps
from shared.runtime.log import Log

_BEFORE_ALL = -(2**62)
"""where messages that no topic has are set aside: before those of the topic, in the order of their owner's log"""

_LOG = logging.getLogger(__name__)


class Missed:
    """Of one consumer group of reactions."""

    def __init__(self, *, group: str, reactor: Reactor, log: Log, parking: Parking) -> None:
        self.group = group
        self._reactor = reactor
        self._log = log
        self._parking = parking

    async def unanswered(self, events: Iterable[Envelope]) -> set[str]:
        """The ids of those that no command answers, and that are not set aside either."""
        asked = {command: event for event in events for command in self._reactor.commands_for(event)}
        known = await self._log.fetch("SELECT command FROM commands WHERE command = ANY($1::uuid[])", [*asked])
        found = asked.keys() - {row["command"] for row in known}
        aside = {one.source for one in await self._parking.standing(self.group)} if found else set()
        return {asked[command].id for command in found if asked[command].subject not in aside}

    async def answer(self, ids: set[str], contracts: Sequence[Contract]) -> None:
        """Hands them to the reactions. What fails is set aside, as if it had come by its topic."""
        batch = [Heard(_record(one), one) for one in contracts if one.envelope.id in ids]
        _LOG.info("events are handed to reactions again", extra={"group": self.group, "count": len(batch)})

        async def apply(some: Sequence[Heard]) -> None:
            await self._reactor.handle([heard.contract for heard in some])

        if failed := [one for one in await tried(batch, apply) if one.error]:
            await self._parking.park(self.group, [_aside(one) for one in failed])


def _aside(failed: Failed) -> Aside:
    error = why(failed.error) if failed.error else ""
    return Aside(failed.heard.record, failed.heard.source, error, waits=isinstance(failed.error, NotYet))


def _record(contract: Contract) -> Record:
    """The message that should have come."""
    envelope = contract.envelope
    key, value = envelope.key.encode(), dumps(contract)
    return ConsumerRecord(
        topic=topic_of(envelope.service),
        partition=partition_of(envelope.key),
        offset=_BEFORE_ALL + envelope.place,
        timestamp=int(envelope.recordedtime.timestamp() * 1000),
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(value),
        headers=tuple(to_headers(envelope)),
    )
