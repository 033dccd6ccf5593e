"""Scheduling running without a bus: the heart centre has a cardiologist, a room and a patient."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
from fastapi import FastAPI

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from services.scheduling.commands import Commands
from services.scheduling.service import service
from shared.contracts.envelope import Contract, Envelope
from shared.contracts.records import EncounterFinished, PatientRegistered
from shared.kernel import Role, named_id
from shared.runtime.bus.reactor import Reactor
from shared.runtime.http.app import build_app
from shared.runtime.projecting import applier
from shared.runtime.relations import Relations
from shared.runtime.runtime import Runtime
from shared.runtime.settings import Settings
from tests.support.running import answer
from tests.support.scenario import SOME_TIME
from tests.unit.scheduling.known import ANN, BOB, HEART, NORTH

WEEK = [{"day": day, "opens": "08:00", "closes": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
OFFICE = {"hours": WEEK, "slot_minutes": 30, "time_zone": "UTC"}
DAY = datetime.now(UTC).date() + timedelta(days=30)


def at(hour: str, *, day: int = 0) -> str:
    """An instant on the day of the tests, or so many days later."""
    return f"{DAY + timedelta(days=day)}T{hour}:00+00:00"


@dataclass
class World:
    """The service, and a client for each caller."""

    runtime: Runtime
    app: FastAPI
    issuer: Issuer
    stack: AsyncExitStack
    position: int = 0
    clients: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    async def at(self, organization: str, *, role: Role = "scheduler") -> httpx.AsyncClient:
        if (organization, role) not in self.clients:
            token = self.issuer.token(
                subject="sam", role=role, organization=organization, lifetime=timedelta(minutes=5)
            )
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app),
                base_url="http://scheduling",
                headers={"Authorization": f"Bearer {token}"},
            )
            self.clients[organization, role] = await self.stack.enter_async_context(client)
        return self.clients[organization, role]

    async def heart(self) -> httpx.AsyncClient:
        return await self.at(HEART)

    async def opened(self, resource: str, *, by: str = HEART, **changes: Any) -> str:
        """A bookable resource; its id."""
        answer = await (await self.at(by)).put(f"/schedules/{resource}", json=OFFICE | changes)
        assert answer.status_code in (200, 201), answer.text
        return cast(str, answer.json()["id"])

    async def book(self, start: str, *schedules: str, headers: Any = None, **wish: Any) -> httpx.Response:
        wish = {"patient": str(ANN), "schedules": schedules or ("dr-heart",), "start": start, **wish}
        return await (await self.heart()).post("/appointments", json=wish, headers=headers)

    async def booked(self, start: str, *schedules: str, **wish: Any) -> str:
        answer = await self.book(start, *schedules, **wish)
        assert answer.status_code == 201, answer.text
        return cast(str, answer.json()["id"])

    async def say(self, id: str, step: str, *, by: str = HEART, **body: Any) -> httpx.Response:
        return await (await self.at(by)).post(f"/appointments/{id}/{step}", json=body or None)

    async def free(self, *schedules: str, by: str = HEART) -> list[str]:
        asked = {"schedule": schedules, "from": str(DAY), "to": str(DAY)}
        answer = await (await self.at(by)).get("/slots", params=asked)
        assert answer.status_code == 200, answer.text
        return [slot["start"] for slot in answer.json()["slots"]]

    async def heard(self, *others: Contract) -> None:
        """The topics are heard: what the service said since, and what others say."""
        own = await self.runtime.feed.contracts_after(self.position, 10_000)
        self.position += len(own)
        for projection in (*self.runtime.projections, Relations()):
            applies = applier(projection, store=self.runtime.documents, generation=1)
            assert not await applies.apply([*own, *others])

    async def react(self, contract: Contract) -> None:
        """What others say reaches the reactions."""
        commands = self.runtime.parts[Commands]
        for reaction in service.reactions:
            reactor = Reactor([reaction], service=service.name, log=self.runtime.log, commands=commands)
            await answer(reactor, contract)


def registered(patient: UUID, *, by: str) -> Contract:
    """The patient was registered by this organisation."""
    return PatientRegistered(resource={"resourceType": "Patient"}).within(
        _envelope(PatientRegistered, patient, patient=patient, organization=by)
    )


def finished(*, appointment: str | None, patient: UUID = ANN, number: int = 1) -> Contract:
    """A visit of the heart centre's is over; perhaps it came of an appointment."""
    links = {"appointment": appointment} if appointment else {}
    return EncounterFinished(resource={"resourceType": "Encounter"}).within(
        _envelope(EncounterFinished, UUID(int=number), patient=patient, organization=HEART, links=links)
    )


def _envelope(contract: type[Contract], subject: UUID, **facts: Any) -> Envelope:
    command = named_id("command", str(subject))
    return Envelope(
        id=f"{subject}.1",
        type=contract.TYPE,
        source="/carelog/records",
        subject=subject,
        time=SOME_TIME,
        recordedtime=SOME_TIME,
        sequence=1,
        position="1.1",
        key=str(facts["patient"]),
        actor="a registrar",
        role="registrar",
        purpose="TREAT",
        commandid=command,
        correlationid=command,
        **facts,
    )


@asynccontextmanager
async def a_world(*, database: str, home: Path) -> AsyncIterator[World]:
    issuer = Issuer(home)
    settings = Settings(postgres=database, port=0, issuer=ISSUER, issuer_keys=str(issuer.prepare()), audience=AUDIENCE)
    runtime = Runtime(service=service, settings=settings)
    await runtime.start()
    try:
        async with AsyncExitStack() as stack:
            world = World(runtime, build_app(service, runtime), issuer, stack)
            await world.heard(registered(ANN, by=HEART), registered(BOB, by=NORTH))
            await world.opened("dr-heart")
            await world.opened("room-2")
            yield world
    finally:
        await runtime.stop()
