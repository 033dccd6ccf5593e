"""A service running without a bus: its own log and doors; the topics, its own too, are heard when the test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from shared.contracts.envelope import Contract, Envelope
from shared.kernel import Role, named_id
from shared.runtime.bus.reactor import Reactor
from shared.runtime.bus.trying import NotYet, Partly
from shared.runtime.http.app import build_app
from shared.runtime.projecting import applier
from shared.runtime.relations import Relations
from shared.runtime.runtime import Runtime
from shared.runtime.service import Service
from tests.support.scenario import SOME_TIME


@dataclass
class Running:
    """The service, and a client for each caller."""

    service: Service
    runtime: Runtime
    app: FastAPI
    issuer: Issuer
    stack: AsyncExitStack
    position: int = 0
    clients: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    async def at(self, organization: str, *, role: Role) -> httpx.AsyncClient:
        """A client of somebody there."""
        if (organization, role) not in self.clients:
            token = self.issuer.token(
                subject="somebody", role=role, organization=organization, lifetime=timedelta(minutes=5)
            )
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app),
                base_url=f"http://{self.service.name}",
                headers={"Authorization": f"Bearer {token}"},
            )
            self.clients[organization, role] = await self.stack.enter_async_context(client)
        return self.clients[organization, role]

    async def heard(self, *others: Contract) -> None:
        """The topics are heard: what the service said since, and what others say."""
        own = await self.runtime.feed.contracts_after(self.position, 10_000)
        self.position += len(own)
        for projection in (*self.service.projections, Relations()):
            applies = applier(projection, store=self.runtime.documents, generation=1)
            assert not await applies.apply([*own, *others])

    async def told(self) -> list[Contract]:
        """All that the service has said."""
        return list(await self.runtime.feed.contracts_after(0, 10_000))

    async def react(self, contract: Contract) -> None:
        """What others say reaches the reactions, those that want it."""
        commands = next(part for kind, part in self.runtime.parts.items() if kind.__name__ == "Commands")
        reactor = Reactor(self.service.reactions, service=self.service.name, log=self.runtime.log, commands=commands)
        if reactor.wants(contract.envelope):
            await answer(reactor, contract)


async def answer(reactor: Reactor, contract: Contract) -> None:
    """The event comes again until what it names is known, as a consumer brings it."""
    async with asyncio.timeout(30):
        while not await _answered(reactor, contract):  # noqa: ASYNC110 - it comes true elsewhere
            await asyncio.sleep(0.02)


async def _answered(reactor: Reactor, contract: Contract) -> bool:
    """False: it names what is not known yet, and comes again."""
    try:
        await reactor.handle([contract])
    except Partly as failed:
        [error] = failed.errors.values()
        if not isinstance(error, NotYet):
            raise error from failed
        return False
    return True


def said(
    contract: Contract,
    *,
    subject: UUID,
    organization: str,
    patient: UUID | None,
    version: int = 1,
    at: datetime = SOME_TIME,
    links: dict[str, str] | None = None,
    origin: str = "live",
) -> Contract:
    """What another service says, in its envelope."""
    command = named_id("command", str(subject), str(version))
    envelope = Envelope(
        id=f"{subject}.{version}",
        type=contract.TYPE,
        source=f"/carelog/{contract.TYPE.split('.', 1)[0]}",
        subject=subject,
        time=at,
        recordedtime=at,
        sequence=version,
        position=f"1.{version}",
        key=str(patient or subject),
        organization=organization,
        actor="somebody",
        role="clinician",
        purpose="TREAT",
        commandid=command,
        correlationid=command,
        patient=patient,
        links=links or {},
        origin=origin,
    )
    return contract.within(envelope)


@asynccontextmanager
async def running(service: Service, *, database: str, home: Path, **settings: Any) -> AsyncIterator[Running]:
    """The service on this database, with these settings beside those that all services have."""
    issuer = Issuer(home)
    known = service.settings(
        postgres=database,
        port=0,
        issuer=ISSUER,
        issuer_keys=str(issuer.prepare()),
        audience=AUDIENCE,
        **settings,
    )
    runtime = Runtime(service=service, settings=known)
    await runtime.start()
    try:
        async with AsyncExitStack() as stack:
            yield Running(service, runtime, build_app(service, runtime), issuer, stack)
    finally:
        await runtime.stop()
