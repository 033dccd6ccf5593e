"""North Clinic at the FHIR door, Heart Centre beside it, and a third organisation that is nobody's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from shared.contracts.envelope import Contract
from shared.contracts.referrals import ReferralDeclined, ReferralSent
from shared.kernel import Role, named_id
from tests.integration.records.samples import Resource, patient
from tests.support.running import Running, said

NORTH, HEART, STRANGER = "north-clinic", "heart-centre", "somewhere-else"
WHY = {"Carelog-Reason": "entered for somebody else"}


@dataclass
class Clinic:
    """What people do at the door. `by` is whose they are, `role` what they are there."""

    running: Running

    async def ask(
        self,
        method: str,
        path: str,
        sent: Any = None,
        *,
        by: str = NORTH,
        role: Role = "clinician",
        headers: dict[str, str] | None = None,
        params: Any = None,
    ) -> httpx.Response:
        client = await self.running.at(by, role=role)
        more = {"json": sent} if sent is not None else {}
        return await client.request(method, path, headers=headers, params=params, **more)

    async def post(self, resource: Resource, **how: Any) -> httpx.Response:
        return await self.ask("POST", f"/fhir/{resource['resourceType']}", resource, **how)

    async def put(self, resource: Resource, **how: Any) -> httpx.Response:
        return await self.ask("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", resource, **how)

    async def get(self, path: str, **how: Any) -> httpx.Response:
        return await self.ask("GET", path, **how)

    async def delete(self, path: str, **how: Any) -> httpx.Response:
        return await self.ask("DELETE", path, **{"headers": WHY, **how})

    async def send(self, *entries: dict[str, Any], type: str = "transaction", **how: Any) -> httpx.Response:
        return await self.ask("POST", "/fhir", {"resourceType": "Bundle", "type": type, "entry": list(entries)}, **how)

    async def recorded(self, resource: Resource, **how: Any) -> Resource:
        """It is there: as the door shows it."""
        answer = await self.post(resource, **how)
        assert answer.status_code == 201, answer.text
        shown: Resource = answer.json()
        return shown

    async def registered(self, mrn: str = "1", *, by: str = NORTH, **more: Any) -> str:
        """The id of a new patient of theirs."""
        return str((await self.recorded(patient(mrn, **more), by=by))["id"])

    async def found(self, type: str, query: str = "", **how: Any) -> list[str]:
        """The ids that a search finds, page by page to the end."""
        ids: list[str] = []
        path = f"/fhir/{type}?{query}"
        while path:
            page = await self.get(path, **how)
            assert page.status_code == 200, page.text
            ids += [entry["resource"]["id"] for entry in page.json().get("entry", ())]
            path = next((link["url"] for link in page.json()["link"] if link["relation"] == "next"), "")
        return ids

    async def head(self) -> int:
        return await self.running.runtime.log.head()

    async def heard(self) -> None:
        """The documents show all that was said."""
        await self.running.heard()

    async def refers(self, patient: str, *, to: str = HEART) -> None:
        """All is heard that was said, and that the patient is referred there."""
        sent = ReferralSent(status="received", business_status="2.0", transition="01", initiator=NORTH, recipient=to)
        await self.running.heard(_of(patient, sent, version=1))

    async def is_declined(self, patient: str) -> None:
        """All is heard that was said, and that the referral is over."""
        declined = ReferralDeclined(status="rejected", business_status="4.0", transition="03", reason="full")
        await self.running.heard(_of(patient, declined, version=2))


def _of(patient: str, step: Contract, *, version: int) -> Contract:
    referral = named_id("referral", patient)
    return said(step, subject=referral, organization=NORTH, patient=UUID(patient), version=version)
