"""A service as small as can be, for tests of the HTTP base: notes in a dictionary, behind real doors and tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ByteSize, ConfigDict, Field
from starlette.responses import Response

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from shared.contracts.envelope import Contract
from shared.kernel import Actor, Denied, Invalid, NotFound, Refused
from shared.runtime.feed import Window
from shared.runtime.http.app import build_app
from shared.runtime.http.doors import Content, WaitFor, answer, doors, may, open_to_all, reads, reply, the
from shared.runtime.http.problems import Problem
from shared.runtime.mandate import Changed, Done, Mandate
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.runtime.telemetry.metrics import Metrics

CANARY = "CANARY-Jane-Doe-1985"
LIMIT = 1024


class NoteTaken(Refused):
    """There is a note at this place already."""


class KeyReused(Invalid):
    """This Idempotency-Key was used before, for another request."""


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: int = Field(ge=1)
    kind: Literal["ward", "office"]


class NewNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=200)
    weight: Decimal = Decimal(0)
    at: AwareDatetime | None = None
    places: list[Place] = []


@dataclass
class Notes:
    """The commands and queries of the world, which remembers what it was asked."""

    mandates: list[Mandate] = field(default_factory=list)
    awaited: list[Any] = field(default_factory=list)
    answers: dict[UUID, tuple[bytes, Done]] = field(default_factory=dict)
    effects: int = 0

    async def write(self, mandate: Mandate, note: NewNote) -> Done:
        self.mandates.append(mandate)
        if mandate.command in self.answers:
            fingerprint, kept = self.answers[mandate.command]
            if fingerprint != mandate.fingerprint:
                raise KeyReused
            return kept
        self.effects += 1
        done = Done(changed=(Changed("world.note", uuid4(), 1),), answer={"weight": note.weight})
        self.answers[mandate.command] = (mandate.fingerprint, done)
        return done

    async def read(self, actor: Actor, id: UUID) -> Mapping[str, Any]:
        if id.int == 0:
            raise NotFound
        return {"id": id, "weight": Decimal("51.30"), "for": actor.organization}


world = doors(tag="world")


@world.post("/notes", status_code=201)
async def write(
    note: NewNote,
    notes: Annotated[Notes, the(Notes)],
    mandate: Annotated[Mandate, may("clinical.record")],
) -> Response:
    """Writes a note."""
    return reply(await notes.write(mandate, note), status=201, location="/notes/{id}")


@world.get("/notes/{id}")
async def read(
    id: UUID, wait: WaitFor, notes: Annotated[Notes, the(Notes)], actor: Annotated[Actor, reads("clinical.read")]
) -> Mapping[str, Any]:
    """Reads a note."""
    notes.awaited.append(wait)
    return await notes.read(actor, id)


@world.post("/notes/{id}/break")
async def fail(id: UUID, how: str, mandate: Annotated[Mandate, may("clinical.record")]) -> Response:
    """Fails in the way asked for."""
    errors: dict[str, Exception] = {
        "refused": NoteTaken(),
        "denied": Denied(),
        "fault": RuntimeError(f"no place for {CANARY}"),
        "key": KeyError(CANARY),
    }
    raise errors[how]


@world.post("/fhir/{type}")
async def record(
    type: str, body: Content, mandate: Annotated[Mandate, may(lambda request: f"{request.path_params['type']}.read")]
) -> Response:
    """Takes any JSON."""
    if body is None:
        raise Invalid
    return answer(body)


@world.get("/fhir/metadata")
@open_to_all("it tells of no patient")
async def metadata() -> Mapping[str, str]:
    return {"resourceType": "CapabilityStatement"}


def outcome(problem: Problem) -> Response:
    return answer({"resourceType": "OperationOutcome", "code": problem.code}, status=problem.status)


@dataclass
class Feed:
    contracts: list[Contract] = field(default_factory=list)

    async def contracts_after(self, position: int, limit: int) -> Sequence[Contract]:
        return self.contracts[position : position + limit]

    async def contracts_of(self, aggregate: UUID, *, after: int = 0, limit: int = 1000) -> Sequence[Contract]:
        said = [one for one in self.contracts if one.envelope.subject == aggregate and one.envelope.sequence > after]
        return said[:limit]

    async def heads(self, after: int, *, limit: int, age: float, each: str) -> Window:
        said = [one.envelope for one in self.contracts[after : after + limit]]
        newest = {one.subject: one for one in said}
        return Window(said if each == "event" else [*newest.values()], after + len(said), len(self.contracts))


@dataclass
class Runtime:
    """What stands behind the doors."""

    settings: Settings
    notes: Notes = field(default_factory=Notes)
    feed: Feed = field(default_factory=Feed)
    troubles: dict[str, str | None] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=lambda: Metrics(service="world"))

    @property
    def parts(self) -> Mapping[type[Any], Any]:
        return {Notes: self.notes}

    async def alive(self) -> Mapping[str, str | None]:
        return {}

    async def ready(self) -> Mapping[str, str | None]:
        return self.troubles


@dataclass
class World:
    """The running service, and a client that may be anybody."""

    runtime: Runtime
    app: FastAPI
    issuer: Issuer

    @property
    def notes(self) -> Notes:
        return self.runtime.notes

    def token(self, **claims: Any) -> str:
        who: dict[str, Any] = {"subject": "ann", "role": "clinician", "organization": "north", **claims}
        return self.issuer.token(lifetime=timedelta(minutes=5), **who)

    def client(self, token: str | None = None, **claims: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        bearer = {"Authorization": f"Bearer {token or self.token(**claims)}"} if token != "" else {}
        return httpx.AsyncClient(transport=transport, base_url="http://world", headers=bearer)


def a_service() -> Service:
    return Service(
        name="world",
        title="The world",
        aggregates=(),
        publishes=(),
        projections=(),
        parts=lambda runtime: (),
        routers=(world,),
        errors={"/fhir": outcome},
    )


def a_world(home: Path) -> World:
    issuer = Issuer(home)
    settings = Settings(
        postgres="postgresql://nowhere", port=0, issuer=ISSUER, issuer_keys=str(issuer.prepare()), audience=AUDIENCE,
        body_limit=ByteSize(LIMIT),
    )  # fmt: skip
    runtime = Runtime(settings)
    return World(runtime, build_app(a_service(), runtime), issuer)


def now() -> datetime:
    return datetime.now(UTC)
