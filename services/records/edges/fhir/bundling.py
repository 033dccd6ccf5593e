"""Carries out Bundles: a transaction as one command, a batch as a command for each entry (FHIR R4, http: transaction)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from services.records.commands import Bearers, Commands
from services.records.commands.changes import Amend, Change, Condition, Record, Retract
from services.records.domain.fhir import instant, kept
from services.records.edges.fhir import pages
from services.records.edges.fhir.bundle import Plan, Step, plan
from services.records.edges.fhir.criterion import criterion
from services.records.edges.fhir.outcome import outcome
from services.records.edges.fhir.resolution import resolve
from services.records.edges.fhir.search import read_search
from services.records.queries import Queries, Version
from shared.kernel import CarelogError, Field, Invalid, NotFound, named_id
from shared.runtime.mandate import Done, Mandate, fresh_id

_REASON = Field("Carelog-Reason", "must say why, in 1 to 500 characters", "required")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundling:
    """One request's Bundle. `reason`: why its DELETEs take back what they do."""

    commands: Commands
    queries: Queries
    base: str
    reason: str | None

    async def answer(self, bundle: Any, *, mandate: Mandate) -> dict[str, Any]:
        """The response Bundle. A large one is read beside the event loop."""
        planned = await asyncio.to_thread(plan, bundle=bundle)
        if planned.kind == "transaction":
            return await self._transaction(planned, mandate)
        return await self._batch(planned, mandate)

    # transaction -----------------------------------------------------------------------------------------------------

    async def _transaction(self, planned: Plan, mandate: Mandate) -> dict[str, Any]:
        ids = {step.index: _id_of(step) for step in planned.steps if step.request.method != "GET"}

        async def prepare(bearers: Bearers) -> Sequence[Change]:
            steps = await asyncio.to_thread(_resolved, planned, ids, bearers)
            return [self._change(step, ids[step.index]) for step in _writes(steps, bearers)]

        done = await self.commands.transact(mandate=mandate, conditions=_conditions(planned), prepare=prepare)
        return await self._told(planned, done, mandate)

    async def _told(self, planned: Plan, done: Done, mandate: Mandate) -> dict[str, Any]:
        """The answer in the order of the entries, made of what the log kept: said again it is the same."""
        versions = {changed.id: changed.version for changed in done.changed}
        changed = iter(done.answer["changes"])
        found: Mapping[str, str] = done.answer["found"]
        entries: dict[int, pages.Done] = {}
        for step in planned.ordered:
            if step.request.method == "GET":
                entries[step.index] = await self._get(step, mandate)
            elif (there := found.get(str(step.index))) is not None:
                entries[step.index] = pages.Done(status="200 OK", location=f"{step.request.type}/{there}")
            else:
                entries[step.index] = _done(next(changed), step, versions)
        return pages.response(kind="transaction", done=[entries[step.index] for step in planned.steps])

    def _change(self, step: Step, id: UUID) -> Change:
        at = f"Bundle.entry[{step.index}].resource"
        match step.request.method:
            case "POST":
                return Record(id=id, resource=kept(_there(step), id=id), at=at)
            case "PUT":
                return Amend(id=id, resource=kept(_there(step), id=id), at=at, expected=_expected(step))
            case _:
                return Retract(id=id, type=str(step.request.type), reason=self._why(), expected=_expected(step))

    def _why(self) -> str:
        reason = (self.reason or "").strip()
        if not 1 <= len(reason) <= 500 or not reason.isprintable():
            raise Invalid(_REASON)
        return reason

    # batch -----------------------------------------------------------------------------------------------------------

    async def _batch(self, planned: Plan, mandate: Mandate) -> dict[str, Any]:
        """Each entry is a command of its own: its id is made of the request's, so that a repeat repeats nothing."""
        bearers = await self.commands.bearers(mandate=mandate, conditions=_conditions(planned))
        found = {f"{one.type}?identifier={one.system}|{one.value}": f"{one.type}/{id}" for one, id in bearers.items()}
        conditional = {text: found[_canonical(text)] for text in planned.conditional if _canonical(text) in found}
        steps = await asyncio.to_thread(resolve, plan=planned, ids={}, conditional=conditional)
        entries = {step.index: await self._one(step, mandate) for step in sorted(steps, key=planned.ordered.index)}
        return pages.response(kind="batch", done=[entries[step.index] for step in planned.steps])

    async def _one(self, step: Step, mandate: Mandate) -> pages.Done:
        try:
            if step.problems:
                raise Invalid(*step.problems)
            if step.request.method == "GET":
                return await self._get(step, mandate)
            return await self._write(step, mandate)
        except CarelogError as error:
            return pages.Done(status=f"{error.status} {error.title}", outcome=outcome(error=error))

    async def _write(self, step: Step, mandate: Mandate) -> pages.Done:
        own = replace(mandate, command=named_id("entry", str(mandate.command), str(step.index)), expected=None)
        change = self._change(step, _id_of(step))
        condition = criterion(text=step.request.condition) if step.request.condition else None
        if isinstance(change, Record) and condition:
            done = await self.commands.create_if_none(mandate=own, change=change, condition=Condition(*condition))
        else:
            done = await self.commands.change(mandate=own, change=change)
        return _done(done.answer, step, {changed.id: changed.version for changed in done.changed})

    # both ------------------------------------------------------------------------------------------------------------

    async def _get(self, step: Step, mandate: Mandate) -> pages.Done:
        type, id = str(step.request.type), step.request.id
        if id is not None:
            version: Version = await self.queries.read(type=type, id=_uuid(id), actor=mandate.actor)
            at = instant(version.recorded)
            return pages.Done(status="200 OK", resource=version.resource, version=version.number, at=at)
        asked = read_search(type=type, query=parse_qsl(step.request.query or "", keep_blank_values=True))
        page = await self.queries.search(
            type=type, terms=asked.terms, patient=None, actor=mandate.actor, count=asked.count, cursor=asked.cursor
        )
        found = pages.searchset(base=self.base, search=asked, resources=page.items, cursor=page.next)
        return pages.Done(status="200 OK", resource=found)
