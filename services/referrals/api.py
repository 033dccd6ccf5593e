"""Referrals' doors: the closed loop step by step, one referral as it is now, and the worklist."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from services.referrals.commands import Commands
from services.referrals.domain.loop import BusinessStatus, TaskStatus
from services.referrals.domain.referral import Priority
from services.referrals.domain.terms import Coding, Concept, Period
from services.referrals.domain.visits import Visit
from services.referrals.queries import Queries
from shared.kernel import Actor, OrganizationId
from shared.runtime.http.doors import WaitFor, answer, doors, may, reads, reply, the
from shared.runtime.http.wishes import Instant, Limit, Line, Wish
from shared.runtime.mandate import Mandate
from shared.runtime.reading import Page

router = doors(tag="referrals")


Do = Annotated[Commands, the(Commands)]
Ask = Annotated[Queries, the(Queries)]
Changing = Annotated[Mandate, may("referral.change")]
Visiting = Annotated[Mandate, may("referral.visit")]
Status = Literal[TaskStatus, BusinessStatus]
Organization = Annotated[str, Field(max_length=255, pattern=r"^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$")]
Words = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
Note = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")]
Reference = Annotated[str, Field(max_length=130, pattern=r"^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}$")]
References = Annotated[tuple[Reference, ...], Field(max_length=100)]
"""FHIR references to what records holds; nobody asks whether it is there"""


class Code(Wish):
    """A code of a terminology (FHIR R4 Coding)."""

    code: Line = Field(examples=["183519002"])
    system: Line | None = Field(default=None, examples=["http://snomed.info/sct"])
    display: Line | None = Field(default=None, examples=["Referral to cardiology service"])


class Meaning(Wish):
    """Something in words, in codes or both (FHIR R4 CodeableConcept)."""

    text: Words | None = Field(default=None, examples=["Cardiology consultation"])
    coding: tuple[Code, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and not self.coding:
            raise PydanticCustomError("missing", "neither words nor codes")
        return self

    @property
    def concept(self) -> Concept:
        coding = tuple(Coding(code=one.code, system=one.system, display=one.display) for one in self.coding)
        return Concept(text=self.text, coding=coding)


class When(Wish):
    """From when to when it is wanted; either end may be open (FHIR R4 Period)."""

    start: Instant | None = None
    end: Instant | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is None and self.end is None:
            raise PydanticCustomError("missing", "neither start nor end")
        if self.start and self.end and self.end < self.start:
            raise PydanticCustomError("period", "it ends before it starts")
        return self


class Draft(Wish):
    """A service that another organisation is asked for. `based_on`: an older referral that this one goes on from."""

    patient: UUID
    recipient: Organization = Field(examples=["heart-centre"])
    service: Meaning
    priority: Priority = "routine"
    reason: Meaning
    occurrence: When | None = None
    based_on: UUID | None = None


class Plain(Wish):
    """Nothing more to say."""


class Reason(Wish):
    reason: Words = Field(examples=["The patient has moved away."])


class Visited(Wish):
    """A visit by its appointment, or by its time where the recipient's calendar is elsewhere."""

    appointment: UUID | None = None
    start: Instant | None = None

    @property
    def visit(self) -> Visit:
        return Visit(appointment=self.appointment, start=self.start)


class InterimNote(Visited):
    """A report before the end, of a visit or, where visits are not reported, of none."""

    note: Note = Field(examples=["Seen today; an echocardiogram follows."])
    references: References = Field(default=(), examples=[["DocumentReference/0190a1b2"]])


class Outcome(Wish):
    """What came of it."""

    note: Note = Field(examples=["No stenosis; no further visit needed."])
    references: References = Field(default=(), examples=[["DiagnosticReport/0190a1b2"]])


class Review(Wish):
    note: Words | None = None


@router.post("/referrals", status_code=201)
async def draft(wish: Draft, commands: Do, mandate: Annotated[Mandate, may("referral.draft")]) -> Response:
    """Write a referral down. The recipient sees it once it is sent."""
    done = await commands.draft(
        mandate=mandate,
        patient=wish.patient,
        recipient=OrganizationId(wish.recipient),
        service=wish.service.concept,
        priority=wish.priority,
        reason=wish.reason.concept,
        occurrence=Period(start=wish.occurrence.start, end=wish.occurrence.end) if wish.occurrence else None,
        based_on=wish.based_on,
    )
    return reply(done, status=201, location="/referrals/{id}")


@router.post("/referrals/{id}/send")
async def send(id: UUID, commands: Do, mandate: Changing, wish: Plain | None = None) -> Response:
    """The initiator sends it: the recipient has a care relationship to the patient from now on."""
    return reply(await commands.send(mandate=mandate, referral=id))


@router.post("/referrals/{id}/accept")
async def accept(id: UUID, commands: Do, mandate: Changing, wish: Plain | None = None) -> Response:
    """The recipient takes it on."""
    return reply(await commands.accept(mandate=mandate, referral=id))


@router.post("/referrals/{id}/decline")
async def decline(id: UUID, wish: Reason, commands: Do, mandate: Changing) -> Response:
    """The recipient will not do it, or not go on."""
    return reply(await commands.decline(mandate=mandate, referral=id, reason=wish.reason))


@router.post("/referrals/{id}/request-cancellation")
async def request_cancellation(id: UUID, wish: Reason, commands: Do, mandate: Changing) -> Response:
    """The initiator asks to stop; the recipient confirms, or delivers the outcome all the same."""
    return reply(await commands.request_cancellation(mandate=mandate, referral=id, reason=wish.reason))


@router.post("/referrals/{id}/confirm-cancellation")
async def confirm_cancellation(id: UUID, commands: Do, mandate: Changing, wish: Plain | None = None) -> Response:
    """The recipient has stopped."""
    return reply(await commands.confirm_cancellation(mandate=mandate, referral=id))


@router.post("/referrals/{id}/schedule")
async def schedule(id: UUID, commands: Do, mandate: Visiting, wish: Visited | None = None) -> Response:
    """The recipient has a visit, the first or another; or, said with nothing, works on it without reporting visits."""
    return reply(await commands.schedule(mandate=mandate, referral=id, visit=wish.visit if wish else None))


@router.post("/referrals/{id}/no-show")
async def no_show(id: UUID, commands: Do, mandate: Visiting, wish: Plain | None = None) -> Response:
    """The patient did not come."""
    return reply(await commands.no_show(mandate=mandate, referral=id))


@router.post("/referrals/{id}/cancel-visit")
async def cancel_visit(id: UUID, wish: Reason, commands: Do, mandate: Visiting) -> Response:
    """The visit will not take place; the referral goes on."""
    return reply(await commands.cancel_visit(mandate=mandate, referral=id, reason=wish.reason))


@router.post("/referrals/{id}/interim-note")
async def interim_note(id: UUID, wish: InterimNote, commands: Do, mandate: Changing) -> Response:
    """The recipient reports before it is done."""
    done = await commands.interim_note(
        mandate=mandate, referral=id, note=wish.note, references=wish.references, visit=wish.visit
    )
    return reply(done)


@router.post("/referrals/{id}/outcome")
async def outcome(id: UUID, wish: Outcome, commands: Do, mandate: Changing) -> Response:
    """The recipient is done and says what came of it."""
    done = await commands.give_outcome(mandate=mandate, referral=id, note=wish.note, references=wish.references)
    return reply(done)


@router.post("/referrals/{id}/review")
async def review(id: UUID, commands: Do, mandate: Changing, wish: Review | None = None) -> Response:
    """The initiator has read the outcome: the loop is closed."""
    return reply(await commands.review(mandate=mandate, referral=id, note=wish.note if wish else None))


@router.get("/referrals/{id}")
async def referral(id: UUID, commands: Do, mandate: Annotated[Mandate, may("referral.read")]) -> Response:
    """The referral as it is now."""
    done = await commands.referral(mandate=mandate, referral=id)
    return answer(done.answer, version=done.answer["version"])


@router.get("/referrals")
async def worklist(
    queries: Ask,
    actor: Annotated[Actor, reads("referral.read")],
    wait_for: WaitFor,
    status: Status | None = None,
    organization: Annotated[str | None, Query(max_length=255)] = None,
    patient: UUID | None = None,
    overdue: bool | None = None,
    closed: bool | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page:
    """The referrals that the caller's organisation takes part in, what is due first at the top.

    `status`: a FHIR Task status or a business status. `organization`: the initiator or the recipient.
    """
    return await queries.worklist(
        actor=actor,
        now=datetime.now(UTC),
        status=status,
        organization=organization,
        patient=patient,
        overdue=overdue,
        closed=closed,
        cursor=cursor,
        limit=limit,
        wait_for=wait_for,
    )
