"""Reactions as a consumer's listener: one command for each event of their contracts, however often it comes.

All reactions of a service to one kind of aggregate share a consumer, so that they answer its events in their order.
"""

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
    """A service's reactions to one kind of aggregate, as a consumer's listener."""

    def __init__(self, reactions: Sequence[Reaction], *, service: str, log: Log, commands: object) -> None:
        self._reactions: dict[str, list[Reaction]] = {}
        for reaction in reactions:
            self._reactions.setdefault(reaction.to.TYPE, []).append(reaction)
        self._service = service
        self._log = log
        self._commands = commands

    def hears(self, type: str) -> bool:
        return type in self._reactions

    def wants(self, envelope: Envelope) -> bool:
        return envelope.origin == "live"

    async def handle(self, contracts: Sequence[Contract]) -> None:
        for contract in contracts:
            for reaction in self._reactions[contract.TYPE]:
                with continued_from(contract.envelope.traceparent), span("react", reaction=reaction.name):
                    await self._react(reaction, contract)

    async def _react(self, reaction: Reaction, contract: Contract) -> None:
        mandate = self._mandate(reaction, contract.envelope)
        for wait in (*_WAITS, None):
            try:
                await reaction.do(contract, commands=self._commands, mandate=mandate)
                return
            except Refused as refusal:
                _say("a reaction was refused", reaction, contract, refusal)
                return
            except NotFound as missing:
                if wait is None:
                    _say("a reaction found nothing to act on", reaction, contract, missing)
                    await self._log.refuse(mandate, missing)
                    return
                await asyncio.sleep(wait)
            except Unavailable:
                raise
            except CarelogError as error:
                _say("a reaction could not be carried out", reaction, contract, error)
                await self._log.refuse(mandate, error)
                return

    def _mandate(self, reaction: Reaction, cause: Envelope) -> Mandate:
        """The service acts, for the organisation and the purpose of the event that it answers."""
        actor = Actor(
            subject=f"carelog:{self._service}",
            role="system",
            organization=OrganizationId(cause.organization),
            purpose=cast(Purpose, cause.purpose),
        )
        return Mandate(
            actor=actor,
            action=reaction.action,
            command=named_id("reaction", self._service, reaction.name, cause.id),
            cause=EventId(cause.id),
            correlation=cause.correlationid,
            keyed=True,
        )


def _say(what: str, reaction: Reaction, contract: Contract, error: CarelogError) -> None:
    _LOG.info(what, extra={"reaction": reaction.name, "event": contract.envelope.id, "error": error.code})
