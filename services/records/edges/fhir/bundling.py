"""Carries out Bundles: a transaction as one command, a batch as one for each entry (FHIR R4, http: transaction)."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from services.records.commands import Bearers, Commands, Prepared
from services.records.commands.changes import Amend, Change, Condition, Record, Retract
from services.records.domain.fhir import instant, kept, own_id
from services.records.edges.fhir import pages
from services.records.edges.fhir.bundle import Plan, Step, plan
from services.records.edges.fhir.criterion import criterion
from services.records.edges.fhir.outcome import outcome
from services.records.edges.fhir.resolution import resolve
from services.records.edges.fhir.search import read_search
from services.records.queries import Queries, Version
from shared.kernel import CarelogError, Field, Invalid, NotFound, named_id
from shared.runtime.mandate import Done, Mandate, fresh_id

_AT_ONCE = 32
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

        async def prepare(bearers: Bearers) -> Prepared:
            steps = await asyncio.to_thread(_resolved, planned, ids, bearers)
            found = {str(step.index): str(there) for step in steps if (there := _there_already(step, bearers))}
            return [self._change(step, ids[step.index]) for step in _writes(steps, bearers)], found

        done = await self.commands.transact(mandate=mandate, conditions=_conditions(planned), prepare=prepare)
        return await self._told(planned, done, mandate)

    async def _told(self, planned: Plan, done: Done, mandate: Mandate) -> dict[str, Any]:
        """The answer in the order of the entries, made of what the log kept: said again it is the same."""
        changed = iter(done.answer["changes"])
        found: Mapping[str, str] = done.answer["found"]
        entries: dict[int, pages.Done] = {}
        for step in planned.ordered:
            if step.request.method == "GET":
                entries[step.index] = await self._one(step, mandate)  # what was stored is told, whatever a read finds
            elif (there := found.get(str(step.index))) is not None:
                entries[step.index] = pages.Done(status="200 OK", location=f"{step.request.type}/{there}")
            else:
                entries[step.index] = _done(next(changed), step)
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
        steps = {step.index: step for step in await asyncio.to_thread(_resolved, planned, {}, bearers)}
        entries: dict[int, pages.Done] = {}
        for _, alike in groupby(planned.ordered, key=lambda step: step.request.method):
            for some in _some(list(alike)):
                done = await asyncio.gather(*(self._one(steps[step.index], mandate) for step in some))
                entries |= dict(zip((step.index for step in some), done, strict=True))
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
        return _done(done.answer, step)

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


def _some(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """As many as are carried out at once: they share commits, and leave room for others."""
    for start in range(0, len(steps), _AT_ONCE):
        yield steps[start : start + _AT_ONCE]


def _resolved(planned: Plan, ids: Mapping[int, UUID], bearers: Bearers) -> Sequence[Step]:
    """The steps with references to each other and to what bears an identifier put in."""
    conditional: dict[str, str] = {}
    for text in planned.conditional:
        condition = _condition(text)
        if condition in bearers:
            conditional[text] = f"{condition.type}/{bearers[condition]}"
    urls = {}
    for step in planned.steps:
        if step.full_url and step.request.method != "GET" and planned.kind == "transaction":
            there = _there_already(step, bearers)
            urls[step.full_url] = f"{step.request.type}/{there or ids[step.index]}"
    return resolve(plan=planned, ids=urls, conditional=conditional)


def _writes(steps: Sequence[Step], bearers: Bearers) -> list[Step]:
    """What changes something, in the order of processing."""
    order = {"DELETE": 0, "POST": 1, "PUT": 2}
    writing = [step for step in steps if step.request.method in order and _there_already(step, bearers) is None]
    return sorted(writing, key=lambda step: order[step.request.method])


def _there_already(step: Step, bearers: Bearers) -> UUID | None:
    """What a conditional create does not create, because somebody bears the identifier."""
    return bearers.get(_condition(step.request.condition)) if step.request.condition else None


def _condition(text: str) -> Condition:
    found = criterion(text=text)
    if found is None:
        raise Invalid(Field("Bundle", "has a condition that is not identifier=system|value", "not-supported"))
    return Condition(*found)


def _conditions(planned: Plan) -> set[Condition]:
    """Every identifier that the Bundle depends on: of references, and of conditional creates."""
    creates = [step.request.condition for step in planned.steps if step.request.condition and not step.problems]
    return {_condition(text) for text in (*planned.conditional, *creates) if criterion(text=text)}


def _id_of(step: Step) -> UUID:
    """A new id for what is created, else the one that the entry names. Raises `NotFound` for one that is not ours."""
    return fresh_id() if step.request.method == "POST" else _uuid(step.request.id or "")


def _uuid(text: str) -> UUID:
    id = own_id(text=text)
    if id is None:
        raise NotFound
    return id


def _there(step: Step) -> dict[str, Any]:
    if step.resource is None:
        raise Invalid(Field(f"Bundle.entry[{step.index}].resource", "must be there", "required"))
    return step.resource


def _expected(step: Step) -> int | None:
    tag = step.request.if_match
    number = tag.removeprefix("W/").strip('"') if tag else ""
    if tag and not (number.isascii() and number.isdigit()):
        raise Invalid(Field(f"Bundle.entry[{step.index}].request.ifMatch", 'must be an ETag such as W/"3"', "value"))
    return int(number) if tag else None


def _done(change: Mapping[str, Any], step: Step) -> pages.Done:
    """What became of a change, as it was kept with the command."""
    version = change["version"]
    where = f"{change['type']}/{change['id']}/_history/{version}"
    if step.request.method == "DELETE":
        return pages.Done(status="204 No Content", version=version)
    status = "201 Created" if change["created"] else "200 OK"
    return pages.Done(status=status, location=where, version=version)
