"""Timers: rows written with the events that need them, swept by the worker by the database's clock.

Firing twice is harmless: the command's id is made of the timer, and the log knows it.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from shared.kernel import Actor, CarelogError, OrganizationId, Unavailable, named_id
from shared.runtime.log import Log
from shared.runtime.mandate import Mandate

_SWEEP = 0.5
_AT_ONCE = 100
_TOGETHER = 16
"""what is slow (a mail server that does not answer) holds up that many, not all"""
_LOG = logging.getLogger(__name__)


class Timers:
    """Calls timer commands when they are due. `actions`: the method of each, and what the policy judges it by."""

    def __init__(self, *, log: Log, service: str, actions: Mapping[str, str], commands: object) -> None:
        self._log = log
        self._service = service
        self._actions = actions
        self._commands = commands

    async def run(self) -> None:
        while True:
            try:
                fired = await self.sweep()
            except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                _LOG.warning("timers are interrupted", extra={"error": type(error).__name__})
                fired = 0
            if fired < _AT_ONCE:
                await asyncio.sleep(_SWEEP)

    async def sweep(self) -> int:
        """Fires what is due now; returns how many."""
        due = await self._log.fetch(
            "SELECT t.aggregate, t.command, t.due_at, e.organization FROM timers t"
            " JOIN events e ON e.aggregate = t.aggregate AND e.version = 1"
            " WHERE t.due_at <= now() AND (t.retry_at IS NULL OR t.retry_at <= now() OR t.failed_due <> t.due_at)"
            " ORDER BY t.due_at LIMIT $1",
            _AT_ONCE,
        )
        together = asyncio.Semaphore(_TOGETHER)
        fired = await asyncio.gather(*(self._fire(row, together) for row in due), return_exceptions=True)
        for failure in fired:
            if isinstance(failure, BaseException):
                raise failure
        return len(due)

    async def _fire(self, row: Any, together: asyncio.Semaphore) -> None:
        ids = {"timer": row["command"], "aggregate": str(row["aggregate"])}
        try:
            do = getattr(self._commands, row["command"])
            async with together:
                await do(aggregate=row["aggregate"], mandate=self._mandate(row))
        except Unavailable as away:
            _LOG.info("a timer's command waits for what it needs", extra={**ids, "error": away.code})
            await self._later(row)
        except CarelogError as refusal:
            _LOG.info("a timer's command was refused", extra={**ids, "error": refusal.code})
            await self._done(row["aggregate"], row["command"], row["due_at"])
        except Exception:  # noqa: BLE001 - one broken timer must not stop the others
            _LOG.exception("a timer's command failed and is tried again", extra=ids)
            await self._later(row)
        else:
            await self._done(row["aggregate"], row["command"], row["due_at"])

    async def _later(self, row: Any) -> None:
        """Tried again with growing pauses, so that those that fail do not stand before all others."""
        await self._log.fetch(
            "UPDATE timers SET tries = CASE WHEN failed_due = due_at THEN tries + 1 ELSE 1 END, failed_due = due_at,"
            " retry_at = now() + least(interval '10 minutes', interval '0.5 s' * 2 ^"
            " CASE WHEN failed_due = due_at THEN least(tries, 12) ELSE 0 END)"
            " WHERE aggregate = $1 AND command = $2 AND due_at = $3",
            row["aggregate"],
            row["command"],
            row["due_at"],
        )

    async def _done(self, aggregate: UUID, command: str, due_at: object) -> None:
        """Unless it was set anew in the meantime."""
        await self._log.fetch(
            "DELETE FROM timers WHERE aggregate = $1 AND command = $2 AND due_at = $3", aggregate, command, due_at
        )

    def _mandate(self, row: Any) -> Mandate:
        """The service acts, for the custodian of the aggregate."""
        name = row["command"]
        actor = Actor(
            subject=f"carelog:{self._service}",
            role="system",
            organization=OrganizationId(row["organization"]),
            purpose="HOPERAT",
        )
        command = named_id("timer", self._service, str(row["aggregate"]), name, row["due_at"].isoformat())
        return Mandate(actor=actor, action=self._actions[name], command=command, keyed=True)
