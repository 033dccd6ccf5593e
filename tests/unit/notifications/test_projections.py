"""What notifications shows: how far each message has come, whatever way its events came, and never an address."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given as every

from services.notifications.domain.message import About, Message
from services.notifications.domain.patience import Patience
from services.notifications.domain.preferences import Preferences, Wanted
from services.notifications.projections import MessageRow
from services.notifications.service import service
from shared.contracts.envelope import Contract
from shared.kernel import PatientId
from shared.runtime.json import dumps, loads
from tests.support.scenario import SOME_TIME
from tests.support.topics import deliveries, shown, told

ANN = PatientId(UUID(int=7))
VISIT = About(type="scheduling.appointment", id=UUID(int=8))
PATIENCE = Patience()
LATER = SOME_TIME + timedelta(minutes=1)


def queued(number: int = 1) -> Message:
    return Message.queue(
        id=UUID(int=number), patient=ANN, about=VISIT, template="appointment-booked", start=SOME_TIME, at=SOME_TIME
    )


def begin(message: Message, *, wanted: bool = True) -> None:
    message.begin(wanted=wanted, address=True, patience=PATIENCE, at=LATER)


def fail(message: Message) -> None:
    message.fail(attempt=message.attempts, reason="unreachable", patience=PATIENCE, at=LATER)


async def row(message: Message) -> dict[str, Any]:
    made = await shown(MessageRow(), [told(service, message, patient=ANN)])
    body: dict[str, Any] = loads(made[str(message.id)].body)
    return body


async def test_a_queued_message_shows_whom_it_is_for_and_what_it_is_about() -> None:
    assert await row(queued()) == {
        "id": str(UUID(int=1)),
        "patient": str(ANN),
        "organization": "north-clinic",
        "status": "queued",
        "about": {"type": "scheduling.appointment", "id": str(UUID(int=8))},
        "template": "appointment-booked",
        "channel": "email",
        "attempts": 0,
        "failure": None,
        "abandonment": None,
        "queued_at": SOME_TIME.isoformat(),
        "attempted_at": None,
        "over_at": None,
    }


async def test_a_message_shows_its_attempts_and_its_last_failure() -> None:
    message = queued()
    begin(message)
    assert (await row(message))["status"] == "sending"
    fail(message)
    shows = await row(message)
    assert (shows["status"], shows["attempts"], shows["failure"]) == ("failed", 1, "unreachable")
    assert shows["attempted_at"] == LATER.isoformat()


async def test_a_message_shows_that_it_was_sent_or_why_it_was_not() -> None:
    message = queued()
    begin(message)
    message.sent(attempt=1, at=LATER)
    shows = await row(message)
    assert (shows["status"], shows["over_at"]) == ("sent", LATER.isoformat())
    unwanted = queued()
    begin(unwanted, wanted=False)
    shows = await row(unwanted)
    assert (shows["status"], shows["abandonment"]) == ("abandoned", "opted-out")


async def test_an_address_leaves_the_service_in_no_contract() -> None:
    preferences = Preferences.set(patient=ANN, wanted=Wanted(email="canary@example.org"), at=SOME_TIME)
    preferences.change(wanted=Wanted(email="canary@example.com", language="de"), at=LATER)
    contracts = told(service, preferences, patient=ANN)
    assert [contract.model_dump()["reachable"] for contract in contracts] == [True, True]
    assert b"canary" not in dumps(contracts)


def a_long_story(number: int) -> Message:
    message = queued(number)
    for _ in range(number):
        begin(message)
        fail(message)
    begin(message)
    message.sent(attempt=message.attempts, at=LATER)
    return message


STORIES = [told(service, a_long_story(number), patient=ANN) for number in (1, 2, 3)]


@every(deliveries(STORIES))
async def test_however_the_events_came_the_rows_are_those_of_a_rebuild(batches: list[list[Contract]]) -> None:
    assert await shown(MessageRow(), batches) == await shown(MessageRow(), STORIES)
