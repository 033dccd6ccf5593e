"""A reaction as a consumer's handler: one command for each event of its contract, however often it comes."""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from shared.contracts.envelope import Contract, Envelope
from shared.kernel import (
    Actor,
    CarelogError,
    EventId,
    NotFound,
    OrganizationId,
    Purpose,
    Refused,
    Unavailable,
    named_id,
)
from shared.runtime.log import Log
from shared.runtime.mandate import Mandate
from shared.runtime.service import Reaction
from shared.runtime.telemetry import continued_from, span

_WAITS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
"""seconds between the tries of what names something that this service has not heard of yet"""

_LOG = logging.getLogger(__name__)


class Reactor:
    """One reaction of a service, as a consumer's handler."""

    def __init__(self, reaction: Reaction, *, service: str, log: Log, commands: object) -> None:
        self._reaction = reaction
        self._service = service
        self._log = log
        self._commands = commands

    def wants(self, envelope: Envelope) -> bool:
        return envelope.type == self._reaction.to.TYPE and envelope.origin == "live"

    async def handle(self, contracts: Sequence[Contract]) -> None:
        for contract in contracts:
            with continued_from(contract.envelope.traceparent), span("react", reaction=self._reaction.name):
                await self._react(contract)

    async def _react(self, contract: Contract) -> None:
        mandate = self._mandate(contract.envelope)
        for wait in (*_WAITS, None):
            try:
                await self._reaction.do(contract, commands=self._commands, mandate=mandate)
                return
            except Refused as refusal:
                self._say("a reaction was refused", contract, refusal)
                return
            except NotFound as missing:
                if wait is None:
                    self._say("a reaction found nothing to act on", contract, missing)
                    await self._log.refuse(mandate, missing)
                    return
                await asyncio.sleep(wait)
            except Unavailable:
                raise
            except CarelogError as error:
                self._say("a reaction could not be carried out", contract, error)
                await self._log.refuse(mandate, error)
                return

    def _mandate(self, cause: Envelope) -> Mandate:
        """The service acts, for the organisation and the purpose of the event that it answers."""
        actor = Actor(
            subject=f"carelog:{self._service}",
            role="system",
            organization=OrganizationId(cause.organization),
            purpose=cast(Purpose, cause.purpose),
        )
        return Mandate(
            actor=actor,
            action=self._reaction.action,
            command=named_id("reaction", self._service, self._reaction.name, cause.id),
            cause=EventId(cause.id),
            correlation=cause.correlationid,
            keyed=True,
        )

    def _say(self, what: str, contract: Contract, error: CarelogError) -> None:
        ids = {"reaction": self._reaction.name, "event": contract.envelope.id, "error": error.code}
        _LOG.info(what, extra=ids)
