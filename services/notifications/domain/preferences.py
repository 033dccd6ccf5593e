"""Preferences: whether, where and in which language a patient wants to be told things. The one place of the address."""

import re
from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from services.notifications.domain.words import Language, Topic
from shared.kernel import Aggregate, AggregateId, Birth, Event, Field, Invalid, PatientId, named_id

Way = Literal["email", "none"]

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(\.{_ATOM})*)@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64


class NotAnAddress(Invalid):
    """An e-mail address is a dot-atom, an @ and a host name, in ASCII (RFC 5322, 3.4.1; RFC 5321, 4.5.3.1)."""


class Wanted(BaseModel):
    """What a patient wants. As it stands here: what is assumed of one who never said."""

    model_config = ConfigDict(frozen=True)

    email: str | None = None
    channel: Way = "email"
    language: Language = "en"
    opted_out: tuple[Topic, ...] = ()

    def wants(self, topic: Topic) -> bool:
        """Whether the patient is to be told of this at all."""
        return self.channel != "none" and topic not in self.opted_out


class Preferences(Aggregate):
    """One patient's, the same for every organisation."""

    TOPIC = "notifications.preferences"

    class Set(Birth):
        TOPIC: ClassVar[str] = "notifications.preferences.set"
        patient: PatientId
        wanted: Wanted

    class Changed(Event):
        TOPIC: ClassVar[str] = "notifications.preferences.changed"
        wanted: Wanted

    def __init__(self) -> None:
        self.wanted: Wanted

    @staticmethod
    def id_of(patient: AggregateId) -> AggregateId:
        return named_id("preferences", str(patient))

    @classmethod
    def set(cls, *, patient: PatientId, wanted: Wanted, at: datetime) -> Self:
        return cls._born(cls.Set, id=cls.id_of(patient), at=at, patient=patient, wanted=_checked(wanted))

    def change(self, *, wanted: Wanted, at: datetime) -> None:
        """All of them anew. The same again records nothing."""
        wanted = _checked(wanted)
        if wanted != self.wanted:
            self._record(Preferences.Changed, at=at, wanted=wanted)

    def _fold(self, event: Set | Changed) -> None:
        self.wanted = event.wanted


def _checked(wanted: Wanted) -> Wanted:
    """The same, each topic once. Raises `NotAnAddress`: an address can hold no line break, no second one, no name."""
    if wanted.email is not None:
        plain = _ADDRESS.fullmatch(wanted.email)
        if not plain or len(wanted.email) > _LONGEST_ADDRESS or len(plain["local"]) > _LONGEST_LOCAL_PART:
            raise NotAnAddress(Field("email", "must be an e-mail address, such as name@example.org", "email"))
    return wanted.model_copy(update={"opted_out": tuple(sorted({*wanted.opted_out}))})
