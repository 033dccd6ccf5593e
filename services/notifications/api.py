"""Notifications' doors: contact preferences, and what became of each message."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from services.notifications.commands import Commands
from services.notifications.domain.message import Status
from services.notifications.domain.preferences import Wanted, Way
from services.notifications.domain.words import Language, Topic
from services.notifications.queries import Queries
from shared.kernel import Actor
from shared.runtime.http.doors import WaitFor, doors, may, reads, reply, the, told
from shared.runtime.http.wishes import Limit, Wish
from shared.runtime.mandate import Mandate
from shared.runtime.reading import Page

router = doors(tag="notifications")

Do = Annotated[Commands, the(Commands)]
Ask = Annotated[Queries, the(Queries)]


class SetPreferences(Wish):
    """How the patient wants to be told things, all of it: what is left out is as it is for a patient who never said.

    `channel` is `none` for who wants to hear of nothing; `opted_out` are the topics of no interest.
    """

    email: str | None = Field(default=None, max_length=254, examples=["ann@example.org"])
    channel: Way = "email"
    language: Language = "en"
    opted_out: set[Topic] = Field(default_factory=set, examples=[["referrals"]])


@router.put("/patients/{patient}/preferences")
async def set_preferences(
    patient: UUID, wish: SetPreferences, commands: Do, mandate: Annotated[Mandate, may("preferences.set")]
) -> Response:
    wanted = Wanted(email=wish.email, channel=wish.channel, language=wish.language, opted_out=tuple(wish.opted_out))
    done = await commands.set_preferences(mandate=mandate, patient=patient, wanted=wanted)
    return reply(done, status=201 if done.answer["version"] == 1 and done.changed else 200)


@router.get("/patients/{patient}/preferences")
async def preferences(patient: UUID, commands: Do, actor: Annotated[Actor, reads("preferences.read")]) -> Response:
    """As they are now."""
    mandate = Mandate(actor=actor, action="preferences.read")
    return told(await commands.preferences(mandate=mandate, patient=patient))


@router.get("/messages")
async def messages(
    queries: Ask,
    actor: Annotated[Actor, reads("message.read")],
    wait_for: WaitFor,
    patient: UUID | None = None,
    status: Status | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page:
    return await queries.messages(
        actor=actor, patient=patient, status=status, cursor=cursor, limit=limit, wait_for=wait_for
    )


@router.get("/messages/{id}")
async def message(id: UUID, commands: Do, actor: Annotated[Actor, reads("message.read")]) -> Response:
    """As it is now."""
    return told(await commands.message(mandate=Mandate(actor=actor, action="message.read"), message=id))
