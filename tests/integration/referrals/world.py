"""Referrals running without a bus: whoever wants its topic to be heard says `heard`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from services.referrals.commands import Commands
from services.referrals.projections import Deadlines
from services.referrals.service import ReferralSettings, service
from shared.contracts.envelope import Contract, Envelope
from shared.contracts.records import PatientRegistered
from shared.kernel import Role, named_id
from shared.runtime.bus.reactor import Reactor
from shared.runtime.http.app import build_app
from shared.runtime.projecting import Applier, applier
from shared.runtime.relations import Relations
from shared.runtime.runtime import Runtime
from tests.support.running import answer
from tests.support.scenario import SOME_TIME
from tests.unit.referrals.known import HEART, NORTH, STRANGER
from tests.unit.referrals.said import PATIENT

CARDIOLOGY = {"text": "Cardiology consultation"}
MURMUR = {"text": "Murmur, getting louder"}


@dataclass
class World:
    """The service, and a client for each organisation."""

    runtime: Runtime
    app: FastAPI
    issuer: Issuer
    stack: AsyncExitStack
    position: int = 0
    clients: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    async def at(self, organization: str, *, role: Role = "clinician") -> httpx.AsyncClient:
        if (organization, role) not in self.clients:
            token = self.issuer.token(
                subject="ann", role=role, organization=organization, lifetime=timedelta(minutes=5)
            )
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app),
                base_url="http://referrals",
                headers={"Authorization": f"Bearer {token}"},
            )
            self.clients[organization, role] = await self.stack.enter_async_context(client)
        return self.clients[organization, role]

    async def north(self) -> httpx.AsyncClient:
        return await self.at(NORTH)

    async def heart(self) -> httpx.AsyncClient:
        return await self.at(HEART)

    async def stranger(self) -> httpx.AsyncClient:
        return await self.at(STRANGER)

    async def drafted(self, **changes: Any) -> str:
        """A new draft of North Clinic's for Heart Centre; its id."""
        wish = {
            "patient": str(PATIENT), "recipient": HEART, "service": CARDIOLOGY, "reason": MURMUR, **changes
        }  # fmt: skip
        answer = await (await self.north()).post("/referrals", json=wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def say(self, organization: str, id: str, step: str, **body: Any) -> httpx.Response:
        return await (await self.at(organization)).post(f"/referrals/{id}/{step}", json=body)

    async def accepted(self) -> str:
        id = await self.drafted()
        assert (await self.say(NORTH, id, "send")).status_code == 200
        assert (await self.say(HEART, id, "accept")).status_code == 200
        return id

    async def standing(self, id: str) -> str | None:
        answer = await (await self.north()).get(f"/referrals/{id}")
        found: str | None = answer.json()["business_status"]
        return found

    async def heard(self, *others: Contract) -> None:
        """The topics are heard: what the service said since, and what others say."""
        own = await self.runtime.feed.contracts_after(self.position, 10_000)
        self.position += len(own)
        for applies in self._appliers():
            assert not await applies.apply([*own, *others])

    def _appliers(self) -> Sequence[Applier]:
        kept = [*self.runtime.projections, Relations()]
        return [applier(one, store=self.runtime.documents, generation=1) for one in kept]

    async def react(self, *contracts: Contract) -> None:
        """What others say reaches the reactions, in this order."""
        commands = self.runtime.parts[Commands]
        for contract in contracts:
            for reaction in service.reactions:
                reactor = Reactor([reaction], service=service.name, log=self.runtime.log, commands=commands)
                if reactor.hears(contract.TYPE) and reactor.wants(contract.envelope):
                    await answer(reactor, contract)


def registered(*, patient: UUID = PATIENT, by: str = NORTH) -> Contract:
    """The patient was registered by this organisation."""
    command = named_id("command", str(patient))
    return PatientRegistered(resource={"resourceType": "Patient"}).within(
        Envelope(
            id=f"{patient}.1",
            type=PatientRegistered.TYPE,
            source="/carelog/records",
            subject=patient,
            time=SOME_TIME,
            recordedtime=SOME_TIME,
            sequence=1,
            position="1.1",
            key=str(patient),
            organization=by,
            actor="a registrar",
            role="registrar",
            purpose="TREAT",
            commandid=command,
            correlationid=command,
            patient=patient,
        )
    )


@asynccontextmanager
async def a_world(*, database: str, home: Path, due: Deadlines | None = None) -> AsyncIterator[World]:
    issuer = Issuer(home)
    settings = ReferralSettings(
        postgres=database,
        port=0,
        issuer=ISSUER,
        issuer_keys=str(issuer.prepare()),
        audience=AUDIENCE,
        due=due or Deadlines(),
    )
    runtime = Runtime(service=service, settings=settings)
    await runtime.start()
    try:
        async with AsyncExitStack() as stack:
            world = World(runtime, build_app(service, runtime), issuer, stack)
            await world.heard(registered())
            yield world
    finally:
        await runtime.stop()
