"""Two organisations at work, for the scripts of those who abuse them: what they may do, and how it is asked."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

import httpx

from deploy.story.cast import HEART, NORTH, NORTH_DESK, NORTH_DOCTOR, Caller
from tests.support.harness import eventually
from tests.support.system import System

NORTH_SCHEDULER = Caller(subject="s-north", role="scheduler", organization=NORTH, purpose="PATADMIN")
NORTH_BILLER = Caller(subject="b-north", role="biller", organization=NORTH, purpose="HPAYMT")
PATIENCE = 60.0


@dataclass
class Clinic:
    """A client for each caller at each service, made when first asked for."""

    system: System
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    clients: dict[tuple[Caller, str], httpx.AsyncClient] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stack.aclose()

    async def ask(
        self, caller: Caller, method: str, service: str, path: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        """Header names are given with underscores: `Idempotency_Key`."""
        if (caller, service) not in self.clients:
            client = self.system.client(caller, service)
            self.clients[caller, service] = await self.stack.enter_async_context(client)
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.clients[caller, service].request(method, path, json=body, headers=said)

    async def until_taken(self, caller: Caller, service: str, path: str, body: Any, **headers: str) -> httpx.Response:
        """The answer once the service has heard of the patient: until then it is 404."""

        async def taken() -> httpx.Response | None:
            answer = await self.ask(caller, "POST", service, path, body, **headers)
            return None if answer.status_code == 404 else answer

        found: httpx.Response = await eventually(taken, within=PATIENCE)
        return found

    async def patient(self) -> str:
        person = {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:carelog:test", "value": str(uuid4())}],
            "name": [{"family": "Okafor", "given": ["Ada"]}],
        }
        answer = await self.ask(NORTH_DESK, "POST", "records", "/fhir/Patient", person)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def referral(self, patient: str, *, sent: bool = True) -> str:
        """North's doctor asks the heart centre."""
        wish = {"patient": patient, "recipient": HEART, "service": {"text": "Consult"}, "reason": {"text": "Pain"}}
        answer = await self.until_taken(NORTH_DOCTOR, "referrals", "/referrals", wish)
        assert answer.status_code == 201, answer.text
        id = str(answer.json()["id"])
        if sent:
            assert (await self.ask(NORTH_DOCTOR, "POST", "referrals", f"/referrals/{id}/send")).status_code == 200
        return id

    async def slots(self) -> tuple[str, list[str]]:
        """A resource that nobody else uses, and when it is free."""
        resource = f"dr-{uuid4().hex[:12]}"
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        hours = [{"day": day, "opens": "08:00", "closes": "18:00"} for day in days]
        schedule = {"hours": hours, "slot_minutes": 30, "time_zone": "Europe/Berlin"}
        made = await self.ask(NORTH_SCHEDULER, "PUT", "scheduling", f"/schedules/{resource}", schedule)
        assert made.status_code == 201, made.text
        return resource, await self.free(resource)

    async def free(self, resource: str) -> list[str]:
        since = (datetime.now(UTC) + timedelta(days=2)).date()
        path = f"/slots?schedule={resource}&from={since}&to={since + timedelta(days=1)}"
        found: Mapping[str, Any] = (await self.ask(NORTH_SCHEDULER, "GET", "scheduling", path)).json()
        return [slot["start"] for slot in found["slots"]]

    async def claim(self, patient: str, *, charged: str = "120.00") -> str:
        """A submitted claim with one charge."""
        opened = await self.until_taken(NORTH_BILLER, "billing", "/claims", {"patient": patient, "currency": "USD"})
        assert opened.status_code == 201, opened.text
        id = str(opened.json()["id"])
        charge = {
            "code": {"system": "http://www.ama-assn.org/go/cpt", "code": "99213"},
            "amount": {"value": charged, "currency": "USD"},
            "effective": "2026-03-02",
        }
        assert (await self.ask(NORTH_BILLER, "POST", "billing", f"/claims/{id}/charges", charge)).status_code == 201
        assert (await self.ask(NORTH_BILLER, "POST", "billing", f"/claims/{id}/submit")).status_code == 200
        return id
