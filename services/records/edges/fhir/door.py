"""The FHIR R4 door (FHIR R4, http): read, vread, history, search, create, update, delete, transaction and batch."""

from datetime import UTC
from email.utils import format_datetime
from importlib.metadata import version as installed
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from services.records.commands import Commands
from services.records.commands.changes import Amend, Condition, Record, Retract
from services.records.domain.fhir import TYPES, instant, kept, own_id
from services.records.edges.fhir import pages
from services.records.edges.fhir.bundling import Bundling
from services.records.edges.fhir.capability import metadata
from services.records.edges.fhir.criterion import criterion
from services.records.edges.fhir.search import read_search
from services.records.edges.fhir.validation import validate
from services.records.queries import Queries, Version
from shared.kernel import Actor, Field, Invalid, NotFound
from shared.runtime.documents.port import Equal
from shared.runtime.http.doors import Answer, Content, WaitFor, doors, etag, may, open_to_all, reads, the
from shared.runtime.mandate import Mandate, fresh_id

MEDIA_TYPE = "application/fhir+json"
CHANGED = "2026-11-22"
"""when the door's abilities last changed"""

router = doors(tag="fhir", prefix="/fhir")

Do = Annotated[Commands, the(Commands)]
Ask = Annotated[Queries, the(Queries)]


class Fhir(Answer):
    """JSON as FHIR names it."""

    media_type = MEDIA_TYPE


class NoReason(Invalid):
    """Say why in the header Carelog-Reason."""

    def __init__(self) -> None:
        super().__init__(Field("Carelog-Reason", "must say why, in 1 to 500 characters", "required"))


_KINDS = {"patient": "patient", "encounter": "encounter", "entry": "clinical", "directory": "directory"}
_VERBS = {
    "patient": {"record": "register", "amend": "amend", "read": "read"},
    "directory": {"record": "write", "amend": "amend", "read": "read"},
}


def _action(verb: str) -> Any:
    """What a role must be able to do at all; the resource itself is judged when it is known whose it is."""

    def chosen(request: Request) -> str:
        type = TYPES.get(request.path_params["type"])
        if type is None:
            raise NotFound
        kind = "directory" if type.kind == "entry" and type.belongs == "none" else type.kind
        return f"{_KINDS[kind]}.{_VERBS.get(kind, {}).get(verb, verb)}"

    return chosen


Reading = Annotated[Actor, reads(_action("read"))]
Recording = Annotated[Mandate, may(_action("record"))]
Amending = Annotated[Mandate, may(_action("amend"))]


@router.get("/metadata")
@open_to_all("a FHIR client asks it before it has a token; it tells what the software can do")
async def capabilities(request: Request) -> Response:
    """What this door can do, and nothing that it cannot."""
    return Fhir(metadata(base=base_of(request), version=installed("carelog"), date=CHANGED))


@router.post("")
async def bundle(
    request: Request, mandate: Annotated[Mandate, may("bundle.send")], commands: Do, queries: Ask, sent: Content,
    carelog_reason: Annotated[str | None, Header(description="why, where an entry deletes")] = None,
) -> Response:  # fmt: skip
    """A transaction (all of it or nothing) or a batch (each entry for itself)."""
    bundling = Bundling(commands=commands, queries=queries, base=base_of(request), reason=carelog_reason)
    return Fhir(await bundling.answer(sent, mandate=mandate))


@router.get("/{type}")
async def search(request: Request, type: str, actor: Reading, queries: Ask, wait_for: WaitFor) -> Response:
    """A page of the resources that meet all parameters; `next` leads on."""
    asked = read_search(type=type, query=request.query_params.multi_items())
    page = await queries.search(
        type=type,
        terms=asked.terms,
        patient=_one_patient(asked.terms, type),
        actor=actor,
        count=asked.count,
        cursor=asked.cursor,
        wait_for=wait_for,
    )
    return Fhir(pages.searchset(base=base_of(request), search=asked, resources=page.items, cursor=page.next))


@router.post("/{type}")
async def create(
    request: Request, type: str, mandate: Recording, commands: Do, queries: Ask, sent: Content,
    if_none_exist: Annotated[str | None, Header(description="`identifier=system|value`")] = None,
) -> Response:  # fmt: skip
    """A new resource. With If-None-Exist: only where nobody bears the identifier yet."""
    validate(resource=sent, type=type)
    id = fresh_id()
    change = Record(id=id, resource=kept(sent, id=id), at=type)
    if if_none_exist is None:
        done = await commands.change(mandate=mandate, change=change)
    else:
        condition = _condition(type, if_none_exist)
        done = await commands.create_if_none(mandate=mandate, change=change, condition=condition)
    return await _shown(request, queries, done.answer, mandate.actor)


@router.get("/{type}/{id}")
async def read(request: Request, type: str, id: str, actor: Reading, queries: Ask) -> Response:
    """The resource as it is now, from the log: a client reads its own writes."""
    return _resource(await queries.read(type=type, id=_id(id), actor=actor))


@router.put("/{type}/{id}")
async def update(
    request: Request, type: str, id: str, mandate: Amending, commands: Do, queries: Ask, sent: Content
) -> Response:
    """The resource as it is from now on. Its id is given out here: nothing is created by an update."""
    validate(resource=sent, type=type)
    if sent.get("id") != id:
        raise Invalid(Field(f"{type}.id", "must be the id of the address", "value"))
    key = _id(id)
    done = await commands.change(mandate=mandate, change=Amend(id=key, resource=kept(sent, id=key), at=type))
    return await _shown(request, queries, done.answer, mandate.actor)


@router.delete("/{type}/{id}")
async def delete(
    type: str, id: str, mandate: Amending, commands: Do,
    carelog_reason: Annotated[str | None, Header(description="why; stays in the history")] = None,
) -> Response:  # fmt: skip
    """Takes the resource back, with a reason. It answers 410 from now on; its history stays."""
    change = Retract(id=_id(id), type=type, reason=reason_of(carelog_reason))
    done = await commands.change(mandate=mandate, change=change)
    return Response(status_code=204, headers={"ETag": etag(done.answer["version"])})


@router.get("/{type}/{id}/_history")
async def history(request: Request, type: str, id: str, actor: Reading, queries: Ask) -> Response:
    """All versions, newest first; a retraction among them, with its reason."""
    versions = await queries.history(type=type, id=_id(id), actor=actor)
    told = [
        pages.Version(type=type, id=id, version=v.number, at=instant(v.recorded), resource=v.resource)
        for v in reversed(versions)
    ]
    return Fhir(pages.history(base=base_of(request), versions=told))


@router.get("/{type}/{id}/_history/{version}")
async def vread(type: str, id: str, version: int, actor: Reading, queries: Ask) -> Response:
    """The resource as one of its versions."""
    if version < 1:
        raise NotFound
    return _resource(await queries.version(type=type, id=_id(id), number=version, actor=actor))


def base_of(request: Request) -> str:
    """The door's address as the caller knows it."""
    return f"{str(request.base_url).rstrip('/')}/fhir"


def reason_of(header: str | None) -> str:
    """Why something is taken back. Raises `NoReason`."""
    reason = (header or "").strip()
    if not 1 <= len(reason) <= 500 or not reason.isprintable():
        raise NoReason
    return reason


async def _shown(request: Request, queries: Queries, told: Any, actor: Actor) -> Response:
    """What a write came to: that version of the resource, and where it is. Said again, the answer is the same."""
    type, id, number = told["type"], UUID(told["id"]), told["version"]
    found = await queries.version(type=type, id=id, number=number, actor=actor)
    where = f"{base_of(request)}/{type}/{id}/_history/{number}"
    return _resource(found, status=201 if told["created"] else 200, headers={"Location": where})


def _resource(version: Version, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    modified = format_datetime(version.recorded.astimezone(UTC), usegmt=True)
    return Fhir(version.resource, status, {"ETag": etag(version.number), "Last-Modified": modified, **(headers or {})})


def _condition(type: str, said: str) -> Condition:
    found = criterion(text=f"{type}?{said.removeprefix('?')}")
    if found is None:
        raise Invalid(
            Field(
                "If-None-Exist",
                "must be identifier=system|value, of a type whose identifiers are unique here",
                "not-supported",
            )
        )
    return Condition(*found)


def _one_patient(terms: Any, type: str) -> UUID | None:
    """The patient that the search is about, where it is about one."""
    for term in terms:
        if isinstance(term, Equal) and (term.field == "patient" or (type == "Patient" and term.field == "id")):
            return own_id(text=str(term.value))
    return None


def _id(text: str) -> UUID:
    """An id that is not one of ours is that of nothing."""
    id = own_id(text=text)
    if id is None:
        raise NotFound
    return id
