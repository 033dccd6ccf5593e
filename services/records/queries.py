"""What can be asked of records: a resource and its versions (from the log, true at once), searches, the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.records.domain.fhir import TYPES, Resource, shown
from services.records.projections import Resources, Timeline
from shared.kernel import Actor, Gone, NotFound
from shared.runtime.documents.port import In, Order, Range, Term
from shared.runtime.log import Log
from shared.runtime.reading import Page, Reader, Waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a resource; `resource` None: it was retracted, for the `reason`."""

    number: int
    recorded: datetime
    resource: Resource | None
    reason: str | None = None


class Queries:
    """Every answer is in the scope of who asks."""

    def __init__(self, *, documents: Reader, log: Log) -> None:
        self._documents = documents
        self._log = log

    async def read(self, *, type: str, id: UUID, actor: Actor) -> Version:
        """The newest version. Raises `NotFound`, and `Gone` after a retraction."""
        newest = (await self.history(type=type, id=id, actor=actor))[-1]
        if newest.resource is None:
            raise Gone
        return newest

    async def version(self, *, type: str, id: UUID, number: int, actor: Actor) -> Version:
        """One version. Raises `NotFound`, and `Gone` for the one that retracts."""
        versions = await self.history(type=type, id=id, actor=actor)
        if number > len(versions):
            raise NotFound
        found = versions[number - 1]
        if found.resource is None:
            raise Gone
        return found

    async def history(self, *, type: str, id: UUID, actor: Actor) -> Sequence[Version]:
        """All versions, oldest first, each as it was said."""
        births = await self._log.births([id])
        if id not in births or births[id].name.split(".")[1] != TYPES[type].noun:
            raise NotFound
        view = await self._log.view(id, actor=actor, action=_read_action(type))
        versions = []
        for stored in view.events:
            event: Any = self._log.event(stored)
            resource = getattr(event, "resource", None)
            told = shown(resource, version=stored.version, recorded=stored.recorded_at) if resource else None
            reason = getattr(event, "reason", None)
            versions.append(Version(number=stored.version, recorded=stored.recorded_at, resource=told, reason=reason))
        return versions

    async def search(
        self,
        *,
        type: str,
        terms: Sequence[Term],
        patient: UUID | None,
        actor: Actor,
        count: int,
        cursor: str | None,
        wait_for: Waited = (),
    ) -> Page:
        """Resources of a type, by the declared fields, in order of id."""
        return await self._documents.find(
            Resources,
            actor=actor,
            action=_read_action(type),
            where=terms,
            patient=patient,
            cursor=cursor,
            limit=count,
            wait_for=wait_for,
        )

    async def timeline(
        self,
        *,
        patient: UUID,
        actor: Actor,
        since: datetime | None = None,
        until: datetime | None = None,
        kinds: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 50,
        wait_for: Waited = (),
    ) -> Page:
        """What was said about the patient, newest first by when it happened: `since` inclusive, `until` exclusive.

        Raises `NotFound` where the caller has no care relationship and has said nothing itself.
        """
        where: list[Term] = []
        if since or until:
            where.append(Range(field="happened", ge=since, lt=until))
        if kinds:
            where.append(In("kind", list(kinds)))
        page = await self._documents.find(
            Timeline,
            actor=actor,
            action="timeline.read",
            where=where,
            patient=patient,
            order=Order("happened", descending=True),
            cursor=cursor,
            limit=limit,
            wait_for=wait_for,
        )
        if not page.items and not await self._knows(patient, actor):
            raise NotFound
        return page

    async def _knows(self, patient: UUID, actor: Actor) -> bool:
        """Whether there is a timeline for the caller at all, however little of it was asked for."""
        if await self._documents.knows(actor=actor, patient=patient):
            return True
        own = await self._documents.find(Timeline, actor=actor, action="timeline.read", patient=patient, limit=1)
        return bool(own.items)


def _read_action(type: str) -> str:
    """A type that never belongs to a patient is open to all callers, one that may is not."""
    kind = TYPES[type].kind
    if kind == "directory" or (kind == "entry" and TYPES[type].belongs == "none"):
        return "directory.read"
    return {"patient": "patient.read", "encounter": "encounter.read", "entry": "clinical.read"}[kind]
