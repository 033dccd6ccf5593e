"""From what others say to a letter: once in effect, whatever ends the process in between."""

import asyncio
import email
from dataclasses import dataclass, field
from datetime import timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from services.notifications.commands import Commands
from services.notifications.domain.letter import Letter, Reason, Undeliverable
from services.notifications.domain.patience import Patience
from services.notifications.service import service
from shared.contracts.envelope import Contract
from shared.runtime.json import dumps
from shared.runtime.timers import Timers
from tests.integration.notifications.known import (
    ADDRESS,
    ANN,
    HEART,
    NORTH,
    PREFERENCES,
    REASONS_TO_TELL,
    booked,
    declined,
)
from tests.support.running import Running, running


class ProcessEnded(BaseException):
    """As if the process had been killed at this point."""


@dataclass
class FakeChannel:
    """Keeps what it carries, and answers as it is told."""

    answers: list[Reason | type[ProcessEnded] | None] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    async def deliver(self, letter: Letter) -> None:
        self.letters.append(letter)
        answer = self.answers.pop(0) if self.answers else None
        if answer is ProcessEnded:
            raise ProcessEnded
        if answer is not None:
            raise Undeliverable(answer)  # type: ignore[arg-type]


async def prefer(notifications: Running, **changes: Any) -> None:
    caller = await notifications.at(NORTH, role="registrar")
    answer = await caller.put(f"/patients/{ANN}/preferences", json=PREFERENCES | changes)
    assert answer.status_code in (200, 201), answer.text


async def later(notifications: Running) -> None:
    """All that is to be done at some time is due now."""
    await notifications.runtime.log.pool.execute("UPDATE timers SET due_at = now() - interval '1 ms'")


async def sweep(notifications: Running, *, channel: FakeChannel | None = None) -> int:
    """The timers that are due are fired, in a process that carries letters through this channel."""
    log, commands = notifications.runtime.log, notifications.runtime.parts[Commands]
    if channel:
        commands = Commands(log=log, channel=channel, patience=Patience(pauses=(timedelta(minutes=1),) * 2))
    timers = Timers(log=log, service=service.name, actions=service.timers, commands=commands)
    return await timers.sweep()


async def happened(notifications: Running) -> list[str]:
    """What became of the messages, in order."""
    kinds = [one.TYPE.removeprefix("notifications.message.").removesuffix(".v1") for one in await notifications.told()]
    return [kind for kind in kinds if "." not in kind]


async def message(notifications: Running) -> dict[str, Any]:
    """The one message, from the log."""
    [queued] = [one for one in await notifications.told() if one.TYPE == "notifications.message.queued.v1"]
    caller = await notifications.at(NORTH, role="registrar")
    told: dict[str, Any] = (await caller.get(f"/messages/{queued.envelope.subject}")).json()
    return told


async def test_an_appointment_becomes_a_letter_in_the_patients_language(notifications: Running, letters: Path) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    assert await sweep(notifications) == 1

    [file] = letters.iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert mail["To"] == ADDRESS
    assert "am Dienstag, 7. April 2026, um 09:30 Uhr" in mail.get_content()
    assert await happened(notifications) == ["queued", "attempted", "sent"]
    assert await sweep(notifications) == 0
    assert (await message(notifications))["status"] == "sent"


@pytest.mark.parametrize("template", REASONS_TO_TELL)
async def test_the_patient_is_told_and_the_message_belongs_to_its_cause(notifications: Running, template: str) -> None:
    cause = REASONS_TO_TELL[template]()
    await notifications.react(cause)
    [queued] = await notifications.told()
    envelope = queued.envelope
    assert queued.model_dump()["template"] == template
    assert envelope.causationid == cause.envelope.id
    assert (envelope.patient, envelope.key, envelope.organization) == (ANN, str(ANN), HEART)
    own = cause.envelope.aggregate.split(".")[1]
    assert envelope.links == {**cause.envelope.links, own: str(cause.envelope.subject)}


async def test_no_contract_and_no_letter_holds_a_clinical_word_or_an_address(
    notifications: Running, letters: Path
) -> None:
    await prefer(notifications)
    for cause in REASONS_TO_TELL.values():
        await notifications.react(cause())
    await sweep(notifications)
    assert len(list(letters.iterdir())) == len(REASONS_TO_TELL)
    written = b"".join(file.read_bytes() for file in letters.iterdir()).lower()
    said = dumps(await notifications.told()).lower()
    for word in (b"chest", b"pain", b"heart", b"clinic", b"dr-heart"):
        assert word not in written
        assert word not in said
    assert ADDRESS.encode() not in said
    kept = await notifications.runtime.log.pool.fetch("SELECT state FROM events WHERE name LIKE '%.message.%'")
    kept += await notifications.runtime.log.pool.fetch("SELECT answer AS state FROM commands WHERE answer IS NOT NULL")
    assert len(kept) > 2 * len(REASONS_TO_TELL)
    assert all(ADDRESS.encode() not in row["state"] for row in kept)


async def test_who_declined_a_referral_tells_the_patient_though_the_relationship_is_over(
    notifications: Running,
) -> None:
    await prefer(notifications)
    await notifications.react(declined())
    channel = FakeChannel()
    await sweep(notifications, channel=channel)
    assert len(channel.letters) == 1


async def test_what_is_heard_again_is_told_once(notifications: Running) -> None:
    await prefer(notifications)
    for _ in range(3):
        await notifications.react(booked())
        await sweep(notifications)
    assert await happened(notifications) == ["queued", "attempted", "sent"]


@pytest.mark.parametrize("cause", [booked(origin="history"), booked(patient=None)])
async def test_what_is_history_or_nobodys_is_not_told(notifications: Running, cause: Contract) -> None:
    await notifications.react(cause)
    assert await notifications.told() == []


async def test_a_process_that_ends_while_sending_sends_again_under_the_same_id(notifications: Running) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    channel = FakeChannel(answers=[ProcessEnded])
    with pytest.raises(ProcessEnded):
        await sweep(notifications, channel=channel)
    assert await happened(notifications) == ["queued", "attempted"]
    assert await sweep(notifications, channel=channel) == 0, "the outcome may still come"
    await later(notifications)
    await sweep(notifications, channel=channel)
    assert await happened(notifications) == ["queued", "attempted", "attempted", "sent"]
    first, second = channel.letters
    assert first.id == second.id


async def test_two_workers_that_fire_the_same_timers_send_once(
    notifications: Running, database: str, tmp_path: Path, letters: Path
) -> None:
    await prefer(notifications)
    for version in range(1, 6):
        await notifications.react(booked(version=version))
    channel = FakeChannel()
    async with running(service, database=database, home=tmp_path / "other", channel=f"folder:{letters}") as other:
        await asyncio.gather(*(sweep(one, channel=channel) for one in (notifications, other) * 2))
    assert len(channel.letters) == len({letter.id for letter in channel.letters}) == 5
    assert sorted(await happened(notifications)) == sorted(["queued", "attempted", "sent"] * 5)


async def test_what_fails_is_tried_again_until_it_is_sent(notifications: Running) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    channel = FakeChannel(answers=["unreachable", "timeout"])
    for _ in range(3):
        await sweep(notifications, channel=channel)
        await later(notifications)
    assert await happened(notifications) == [
        "queued",
        "attempted",
        "failed",
        "attempted",
        "failed",
        "attempted",
        "sent",
    ]
    assert len({letter.id for letter in channel.letters}) == 1
    told = await message(notifications)
    assert (told["status"], told["attempts"], told["failure"]) == ("sent", 3, "timeout")
    assert await sweep(notifications, channel=channel) == 0


async def test_what_fails_too_often_or_for_good_is_given_up(notifications: Running) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    channel = FakeChannel(answers=["unreachable"] * 3)
    for _ in range(3):
        await sweep(notifications, channel=channel)
        await later(notifications)
    assert (await message(notifications))["abandonment"] == "tries-used-up"
    assert await sweep(notifications, channel=channel) == 0

    await notifications.react(booked(version=2))
    channel = FakeChannel(answers=["recipient-refused"])
    await sweep(notifications, channel=channel)
    assert (await happened(notifications))[-3:] == ["attempted", "failed", "abandoned"]
    assert await sweep(notifications, channel=channel) == 0


async def test_without_an_address_it_waits_for_one(notifications: Running) -> None:
    await notifications.react(booked())
    channel = FakeChannel()
    await sweep(notifications, channel=channel)
    assert await happened(notifications) == ["queued"]
    await prefer(notifications)
    await later(notifications)
    await sweep(notifications, channel=channel)
    assert [letter.to for letter in channel.letters] == [ADDRESS]


async def test_who_opted_out_meanwhile_is_not_told(notifications: Running) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    await prefer(notifications, opted_out=["appointments"])
    channel = FakeChannel()
    await sweep(notifications, channel=channel)
    assert channel.letters == []
    assert (await message(notifications))["abandonment"] == "opted-out"


async def test_a_new_address_counts_from_the_next_try(notifications: Running) -> None:
    await prefer(notifications)
    await notifications.react(booked())
    channel = FakeChannel(answers=["unreachable"])
    await sweep(notifications, channel=channel)
    await prefer(notifications, email="new@example.org")
    await later(notifications)
    await sweep(notifications, channel=channel)
    assert [letter.to for letter in channel.letters] == [ADDRESS, "new@example.org"]
