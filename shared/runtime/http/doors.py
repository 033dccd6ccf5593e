"""What an `api.py` is made of: routes that know who may use them, and what comes with a command or a query.

door = doors(tag="referrals")

@door.post("/referrals/{id}/accept")
async def accept(id: UUID, wish: Accept, commands: Annotated[Commands, the(Commands)],
                 mandate: Annotated[Mandate, may("referral.accept")]) -> Response:
    return reply(await commands.accept(mandate, id=id, ...))
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fastapi import Depends, FastAPI, Header
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.requests import Request

from shared.kernel import Actor
from shared.runtime.http.answers import Answer, answer, etag, reply, told
from shared.runtime.http.headers import (
    Versions,
    awaited_versions,
    command_of,
    expected_version,
    fingerprint_of,
    named_cause,
    origin_of,
)
from shared.runtime.http.problems import Unauthenticated
from shared.runtime.http.routes import Door, doors, is_open, open_to_all
from shared.runtime.http.site import site
from shared.runtime.mandate import Mandate, fresh_id
from shared.runtime.policy import RULES, permit

__all__ = [
    "Answer", "Caller", "Content", "Versions", "WaitFor", "answer", "doors", "etag", "every_route_has_an_action",
    "may", "open_to_all", "reads", "reply", "the", "told",
]  # fmt: skip

Action = str | Callable[[Request], str]
"""what the policy judges; a function where the path says it (`/fhir/{type}`)"""


class Unguarded(RuntimeError):
    """A route that nobody decided about: it has neither an action nor a reason to be open to all."""


def the(part: type[Any]) -> Any:
    """The service's part of this class: its commands, its queries."""

    async def found(request: Request) -> Any:
        return site(request).runtime.parts[part]

    return Depends(found)


async def _caller(request: Request) -> Actor:
    """Who calls, as the door found out."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        raise Unauthenticated
    return actor


async def _content(request: Request) -> Any:
    return await request.json()


async def _awaited(
    carelog_wait_for: Annotated[
        str | None, Header(description="Wait until the answer knows `<aggregate>.<version>[, ...]`.")
    ] = None,
) -> Versions:
    return awaited_versions(carelog_wait_for)


Caller = Annotated[Actor, Depends(_caller)]
Content = Annotated[Any, Depends(_content)]
"""the body as plain JSON, for a door that has no model for it; None where there is none"""
WaitFor = Annotated[Versions, Depends(_awaited)]
"""the versions that a query shall wait for"""


def reads(action: Action) -> Any:
    """The caller of a query, whose role may ask it at all; what of it is theirs to know, the query decides."""
    return Depends(_Reads(_known(action)))


def may(action: Action) -> Any:
    """The mandate of a command, from a caller whose role may give it at all; the rest is judged by the thing itself."""
    return Depends(_May(_known(action)))


@dataclass(frozen=True, slots=True)
class _Reads:
    action: Action

    async def __call__(self, request: Request) -> Actor:
        actor = await _caller(request)
        permit(actor, _chosen(self.action, request))
        return actor


@dataclass(frozen=True, slots=True)
class _May:
    """Reads its headers itself: declared to FastAPI, the four of them cost as much as the command."""

    action: Action
    headers: ClassVar[Mapping[str, str]] = {
        "idempotency-key": "Said twice with the same key, a command takes effect once.",
        "if-match": 'The ETag of the version to change, `W/"3"`.',
        "carelog-cause": "The event that this answers, `<aggregate>.<version>`.",
        "carelog-origin": "`live`, or `history` for what is taken over from another system.",
    }

    async def __call__(self, request: Request) -> Mandate:
        actor, said = await _caller(request), request.headers.get
        action = _chosen(self.action, request)
        permit(actor, action)
        key = said("idempotency-key")
        return Mandate(
            actor=actor,
            action=action,
            command=command_of(actor, key) if key is not None else fresh_id(),
            origin=origin_of(actor, said("carelog-origin")),
            cause=named_cause(said("carelog-cause")),
            expected=expected_version(said("if-match")),
            fingerprint=await fingerprint_of(request) if key is not None else b"",
            keyed=key is not None,
        )


def every_route_has_an_action(app: FastAPI) -> None:
    """Stops the start where a route is not a door of ours, or nobody said who may use it. Raises `Unguarded`."""
    for route in iter_route_contexts(app.routes):
        endpoint, dependant = route.endpoint, getattr(route, "dependant", None)
        if not isinstance(route.original_route, Door) or dependant is None:
            raise Unguarded(f"{route.path} is not made by `doors`")
        if not is_open(endpoint) and not any(_actions(dependant)):
            raise Unguarded(f"{route.path} has no action: add may(...), reads(...) or open_to_all(...)")


def _actions(dependant: Dependant) -> Iterator[Action]:
    if isinstance(dependant.call, _May | _Reads):
        yield dependant.call.action
    for needed in dependant.dependencies:
        yield from _actions(needed)


def _known(action: Action) -> Action:
    if isinstance(action, str) and action not in RULES:
        raise Unguarded(f"the policy has no rule for {action}")
    return action


def _chosen(action: Action, request: Request) -> str:
    return action if isinstance(action, str) else action(request)
