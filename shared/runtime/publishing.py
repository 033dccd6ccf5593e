"""From what is stored to what others see: the contract in its envelope, for the relay and the feed."""

from collections.abc import Mapping
from typing import Any

from eventsourcing.persistence import StoredEvent

from shared.contracts.envelope import Contract, Envelope
from shared.runtime.json import loads
from shared.runtime.log.mapper import EventMapper
from shared.runtime.log.rows import Stored
from shared.runtime.service import Published, Service


class Publisher:
    """Makes a service's contracts of its stored events, by its `publishes`."""

    def __init__(self, service: Service, *, epoch: int) -> None:
        self._published: Mapping[str, Published] = {one.event.TOPIC: one for one in service.publishes}
        self._source = service.source
        self._epoch = epoch
        self._mapper = EventMapper()

    def contract(self, stored: Stored) -> Contract:
        """The event as others see it. Raises `KeyError` for an event that `publishes` does not name."""
        published = self._published[stored.name]
        event = self._mapper.to_domain_event(StoredEvent(stored.aggregate, stored.version, stored.name, stored.state))
        facts: Mapping[str, Any] = published.shape(event)
        return published.contract.model_validate(facts).within(self._envelope(stored, published.contract))

    def _envelope(self, stored: Stored, contract: type[Contract]) -> Envelope:
        return Envelope(
            id=stored.id,
            type=contract.TYPE,
            source=self._source,
            subject=stored.aggregate,
            time=stored.occurred_at,
            recordedtime=stored.recorded_at,
            sequence=stored.version,
            position=f"{self._epoch}.{stored.position}",
            key=str(stored.key),
            organization=stored.organization,
            actor=stored.actor,
            role=stored.role,
            purpose=stored.purpose,
            commandid=stored.command,
            correlationid=stored.correlation,
            patient=stored.patient,
            causationid=stored.causation,
            origin=stored.origin,
            traceparent=stored.trace,
            dataschema=f"urn:carelog:schema:{contract.TYPE}",
            links=loads(stored.links),
        )
