"""Reactions as a consumer's listener: one command for each event of their contracts, however often it comes.

All reactions of a service to one kind of aggregate share a consumer, so that they answer its events in their order.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast
from uuid import UUID

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
from shared.runtime.bus.trying import AWAY, NotYet, Partly
from shared.runtime.log import Log
from shared.runtime.mandate import Mandate
from shared.runtime.service import Reaction
from shared.runtime.telemetry import continued_from, span

_PATIENCE = 300.0
"""seconds that an event waits for what it names and this service has not heard of yet: longer than a lost message takes
to be found and healed
"""

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
        self._waiting: dict[UUID, float] = {}
        """commands that wait for what they name, and since when by the loop's clock"""

    def hears(self, type: str) -> bool:
        return type in self._reactions

    def wants(self, envelope: Envelope) -> bool:
        return envelope.origin == "live"

    def commands_for(self, event: Envelope) -> Sequence[UUID]:
        """The ids of the commands that answer this event."""
        heard = self._reactions.get(event.type, ()) if self.wants(event) else ()
        return [self._command(reaction, event) for reaction in heard]

    def _command(self, reaction: Reaction, cause: Envelope) -> UUID:
        return named_id("reaction", self._service, reaction.name, cause.id)

    async def handle(self, contracts: Sequence[Contract]) -> None:
        """Each event in turn. What fails holds up its own aggregate and no other. Raises `Partly`."""
        errors: dict[str, Exception] = {}
        stuck: set[UUID] = set()
        for contract in contracts:
            if contract.envelope.subject in stuck:
                continue
            try:
                await self._answer(contract)
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - told on, with the id of its event
                errors[contract.envelope.id] = error
                stuck.add(contract.envelope.subject)
        if errors:
            raise Partly(errors)

    async def _answer(self, contract: Contract) -> None:
        for reaction in self._reactions[contract.TYPE]:
            with continued_from(contract.envelope.traceparent), span("react", reaction=reaction.name):
                await self._react(reaction, contract)

    async def _react(self, reaction: Reaction, contract: Contract) -> None:
        mandate = self._mandate(reaction, contract.envelope)
        try:
            await reaction.do(contract, commands=self._commands, mandate=mandate)
        except Refused as refusal:
            _say("a reaction was refused", reaction, contract, refusal)
        except NotFound as missing:
            if self._may_come(mandate.command):
                raise NotYet from missing
            _say("a reaction found nothing to act on", reaction, contract, missing)
            await self._log.refuse(mandate, missing)
        except Unavailable:
            raise
        except CarelogError as error:
            _say("a reaction could not be carried out", reaction, contract, error)
            await self._log.refuse(mandate, error)
        self._waiting.pop(mandate.command, None)

    def _may_come(self, command: UUID) -> bool:
        """What names something that this service has not heard of is waited for, but not for ever."""
        now = asyncio.get_running_loop().time()
        return now - self._waiting.setdefault(command, now) < _PATIENCE

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
            command=self._command(reaction, cause),
            cause=EventId(cause.id),
            correlation=cause.correlationid,
            keyed=True,
        )


def _say(what: str, reaction: Reaction, contract: Contract, error: CarelogError) -> None:
    _LOG.info(what, extra={"reaction": reaction.name, "event": contract.envelope.id, "error": error.code})
