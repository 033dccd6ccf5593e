"""The identifiers that a command claims and releases, so that no two resources ever bear the same one."""

from collections.abc import Iterable
from uuid import UUID

from services.records.domain.fhir import Resource
from services.records.domain.identifier import Identifier, identifier_id, unique_identifiers
from shared.runtime.log import Unit


class Claims:
    """Read at once; not judged, because they keep order and are shown to nobody."""

    def __init__(self, unit: Unit, known: dict[UUID, Identifier]) -> None:
        self._unit = unit
        self._known = known

    @classmethod
    async def of(cls, unit: Unit, resources: Iterable[Resource]) -> "Claims":
        """Ready for these resources, as they are and as they will be."""
        ids = [id for resource in resources for id in _claimed(unit, resource)]
        return cls(unit, await unit.load_all(Identifier, ids, judged=False) if ids else {})

    def claim(self, resource: Resource, *, bearer: UUID, patient: UUID | None) -> None:
        """Its identifiers become the bearer's. Raises `IdentifierTaken`."""
        for id, (system, value) in _claimed(self._unit, resource).items():
            if id in self._known:
                self._known[id].claim_again(at=self._unit.mandate.at, bearer=bearer)
            else:
                self._claim_first(id, resource["resourceType"], system, value, bearer, patient)

    def release(self, before: Resource, *, after: Resource | None, bearer: UUID) -> None:
        """Those that the resource had and has no longer become free."""
        kept = _claimed(self._unit, after) if after else {}
        for id in _claimed(self._unit, before).keys() - kept.keys():
            if id in self._known:
                self._known[id].release(at=self._unit.mandate.at, by=bearer)

    def _claim_first(self, id: UUID, type: str, system: str, value: str, bearer: UUID, patient: UUID | None) -> None:
        at = self._unit.mandate.at
        made = Identifier.claim(id=id, at=at, type=type, system=system, value=value, bearer=bearer)
        self._known[id] = made
        self._unit.add(made, patient=patient)


def _claimed(unit: Unit, resource: Resource) -> dict[UUID, tuple[str, str]]:
    organization, type = unit.mandate.actor.organization, resource["resourceType"]
    return {
        identifier_id(type=type, system=system, value=value, organization=organization): (system, value)
        for system, value in unique_identifiers(resource)
    }
