"""A projection as a consumer's listener: applies batches, records holes, takes the trace to the document."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from shared.contracts.envelope import Contract, Envelope
from shared.runtime.projecting import Applier, Hole
from shared.runtime.projection import Projection
from shared.runtime.reports import Reports
from shared.runtime.telemetry import continued_from, span

_LOG = logging.getLogger(__name__)


class Projector:
    """One projection's generation, as a consumer's listener."""

    def __init__(
        self, projection: Projection[Any], *, applier: Applier, reports: Reports, label: str | None = None
    ) -> None:
        self._projection = projection
        self._label = label or projection.name
        self._applier = applier
        self._reports = reports

    def hears(self, type: str) -> bool:
        return self._projection.about is None or type.rsplit(".", 2)[0] in self._projection.about

    def wants(self, envelope: Envelope) -> bool:
        return next(iter(self._projection.where(envelope)), None) is not None

    async def handle(self, contracts: Sequence[Contract]) -> None:
        with ExitStack() as spans:
            for contract in contracts:
                if contract.envelope.traceparent:
                    spans.enter_context(continued_from(contract.envelope.traceparent))
                    spans.enter_context(span("project", projection=self._projection.name, event=contract.envelope.id))
            holes = await self._applier.apply(contracts)
        if holes:
            await self._report(holes, {one.envelope.subject: one.envelope.service for one in contracts})

    async def _report(self, holes: Sequence[Hole], owners: Mapping[UUID, str]) -> None:
        for hole in holes:
            _LOG.error(
                "a source has a hole and stands still",
                extra={"projection": self._label, "aggregate": str(hole.source), "version": hole.got},
            )
        await self._reports.holes(self._label, holes, owners=owners)
