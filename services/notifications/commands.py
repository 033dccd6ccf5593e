"""What can be asked of notifications: load, ask, save; and to send, between two commands."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.letter import Channel, Letter, Reason, Undeliverable, write_letter
from services.notifications.domain.message import About, Message
from services.notifications.domain.patience import Patience
from services.notifications.domain.preferences import Preferences, Wanted
from services.notifications.domain.words import TOPICS, Template
from shared.kernel import PatientId, named_id
from shared.runtime.log import Log, Unit
from shared.runtime.mandate import Done, Mandate

Plain = dict[str, Any]


class Commands:
    """One method for each use case."""

    def __init__(self, *, log: Log, channel: Channel, patience: Patience) -> None:
        self._log = log
        self._channel = channel
        self._patience = patience

    async def set_preferences(self, *, mandate: Mandate, patient: UUID, wanted: Wanted) -> Done:
        """A patient's preferences, all of them anew."""
        id = Preferences.id_of(patient)

        async def decide(unit: Unit) -> Plain:
            found = await unit.find(Preferences, id)
            if found:
                found.change(wanted=wanted, at=mandate.at)
            else:
                await unit.may(patient=patient)
                found = Preferences.set(patient=PatientId(patient), wanted=wanted, at=mandate.at)
                unit.add(found, patient=patient, because_of=[patient])
            return _preferences(unit, found)

        return await self._log.run(mandate, decide, target=id)

    async def preferences(self, *, mandate: Mandate, patient: UUID) -> Done:
        """What they are now."""

        async def decide(unit: Unit) -> Plain:
            return _preferences(unit, await unit.load(Preferences, Preferences.id_of(patient)))

        return await self._log.run(mandate, decide)

    async def queue(
        self,
        *,
        mandate: Mandate,
        patient: UUID,
        about: About,
        template: Template,
        links: Mapping[str, UUID],
        start: datetime | None = None,
    ) -> Done:
        """A message for a patient, to be sent at once. What causes it twice makes it once."""
        id = named_id("message", str(mandate.command))

        async def decide(unit: Unit) -> Plain:
            await unit.may(patient=patient)
            message = Message.queue(
                id=id, patient=PatientId(patient), about=about, template=template, start=start, at=mandate.at
            )
            unit.add(message, patient=patient, links=links, because_of=[about.id])
            unit.wake(id, command="send", at=mandate.at)
            return _message(unit, message)

        return await self._log.run(mandate, decide, target=id)

    async def send(self, *, aggregate: UUID, mandate: Mandate) -> Done:
        """Tries to send a message, when its timer says so.

        The attempt is recorded before the channel is asked, with a timer beyond the channel's time: whatever ends this
        process in between, it is known that the letter may have gone, and it goes again under the same id. The address
        is read here and kept nowhere else.
        """
        letter: Letter | None = None

        async def begin(unit: Unit) -> Plain:
            nonlocal letter
            message = await unit.load(Message, aggregate)
            preferences = await unit.find(Preferences, Preferences.id_of(message.queued.patient))
            wanted = preferences.wanted if preferences else Wanted()
            again = message.begin(
                wanted=wanted.wants(TOPICS[message.queued.template]),
                address=wanted.email is not None,
                patience=self._patience,
                at=mandate.at,
            )
            unit.wake(aggregate, command="send", at=again)
            begun = any(isinstance(event, Message.Attempted) for event in message.pending_events)
            letter = _letter(message, wanted, at=mandate.at) if begun else None
            return _message(unit, message)

        begun = await self._log.run(mandate, begin, target=aggregate)
        if letter is None or begun.repeated:  # repeated: whoever fires the same timer twice sends once
            return begun
        return await self._close(mandate, begun.answer["attempts"], letter, await self._carried(letter))

    async def _carried(self, letter: Letter) -> Reason | None:
        """Why it could not be; None: it was."""
        try:
            await self._channel.deliver(letter)
        except Undeliverable as undeliverable:
            return undeliverable.reason
        return None

    async def _close(self, mandate: Mandate, attempt: int, letter: Letter, failure: Reason | None) -> Done:
        async def decide(unit: Unit) -> Plain:
            message = await unit.load(Message, letter.id)
            again = None
            if failure is None:
                message.sent(attempt=attempt, at=mandate.at)
            else:
                again = message.fail(attempt=attempt, reason=failure, patience=self._patience, at=mandate.at)
            unit.wake(letter.id, command="send", at=again)
            return _message(unit, message)

        outcome = replace(mandate, command=named_id("outcome", str(mandate.command)))
        return await self._log.run(outcome, decide, target=letter.id)

    async def message(self, *, mandate: Mandate, message: UUID) -> Done:
        """What it is now."""

        async def decide(unit: Unit) -> Plain:
            return _message(unit, await unit.load(Message, message))

        return await self._log.run(mandate, decide)


def _letter(message: Message, wanted: Wanted, *, at: datetime) -> Letter:
    queued = message.queued
    return write_letter(
        id=message.id,
        to=wanted.email or "",
        template=queued.template,
        language=wanted.language,
        start=queued.start,
        at=at,
    )


def _preferences(unit: Unit, preferences: Preferences) -> Plain:
    return {
        "id": str(preferences.id),
        "patient": str(unit.birth_of(preferences).patient),
        "version": preferences.version,
        **preferences.wanted.model_dump(),
    }


def _message(unit: Unit, message: Message) -> Plain:
    birth, queued = unit.birth_of(message), message.queued
    return {
        "id": str(message.id),
        "version": message.version,
        "status": message.status,
        "patient": str(birth.patient),
        "organization": birth.custodian,
        "about": {"type": queued.about.type, "id": str(queued.about.id)},
        "template": queued.template,
        "channel": queued.channel,
        "attempts": message.attempts,
        "failure": message.failure,
        "abandonment": message.abandonment,
        "queued_at": queued.timestamp.isoformat(),
        "attempted_at": message.attempted_at.isoformat() if message.attempted_at else None,
        "over_at": message.over_at.isoformat() if message.over_at else None,
    }
