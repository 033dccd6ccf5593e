"""Letter: what leaves the house, and the port of the channels that carry it. It says nothing clinical, and no name.

The texts are all there is: a letter is made of a template, a language and a time. What it is about, whom the patient
sees and where (a clinic's name can be a diagnosis) is behind the sign-in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from services.notifications.domain.words import Language, Template
from shared.kernel import AggregateId

Reason = Literal[
    "unreachable",
    "timeout",
    "not-now",
    "not-admitted",
    "sender-refused",
    "recipient-refused",
    "message-refused",
]
"""why a channel could not carry a letter, without a word of what the other side said, which may quote the address

`not-now`: the other side says, later; `not-admitted`: it does not offer the encryption or sign-in that we demand, or
refuses ours.
"""

PERMANENT: frozenset[Reason] = frozenset({"recipient-refused", "message-refused"})
"""those that another try does not help"""


class Undeliverable(Exception):
    """The channel could not carry the letter."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as it is sent. `id` is the message's: each time that it is sent, it is the same letter."""

    id: AggregateId
    to: str = field(repr=False)
    subject: str
    body: str
    language: Language
    at: datetime


class Channel(Protocol):
    """Carries letters. The same letter may come twice, after a crash: it has the same id then, and can be told."""

    async def deliver(self, letter: Letter) -> None:
        """Returns when the letter is in the other side's hands. Raises `Undeliverable`."""


def write_letter(
    *, id: AggregateId, to: str, template: Template, language: Language, start: datetime | None, at: datetime
) -> Letter:
    """The letter in the patient's language; `start` is told by the clocks of the place, whose offset it carries."""
    subject, body = TEXTS[language][template]
    when = local_time(start, language=language) if start else ""
    return Letter(id=id, to=to, subject=subject, body=body.format(when=when), language=language, at=at)


def local_time(start: datetime, *, language: Language) -> str:
    days, months, form = _CALENDAR[language]
    return form.format(
        weekday=days.split()[start.weekday()],
        day=start.day,
        month=months.split()[start.month - 1],
        year=start.year,
        time=f"{start:%H:%M}",
    )


_CALENDAR: Mapping[Language, tuple[str, str, str]] = {
    "de": (
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "{weekday}, {day}. {month} {year}, um {time} Uhr",
    ),
    "en": (
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "January February March April May June July August September October November December",
        "{weekday}, {day} {month} {year} at {time}",
    ),
    "es": (
        "lunes martes miércoles jueves viernes sábado domingo",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "{weekday}, {day} de {month} de {year}, a las {time}",
    ),
    "fr": (
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "{weekday} {day} {month} {year} à {time}",
    ),
}

_NEWS: Mapping[Language, tuple[str, str]] = {
    "de": (
        "Eine Nachricht für Sie",
        "Es gibt eine Neuigkeit zu Ihrer Überweisung: Melden Sie sich an, um sie zu sehen.",
    ),
    "en": ("News for you", "There is news about your referral: sign in to see it."),
    "es": ("Una noticia para usted", "Hay novedades sobre su derivación: inicie sesión para verlas."),
    "fr": (
        "Une nouvelle pour vous",
        "Il y a du nouveau au sujet de votre orientation : connectez-vous pour le voir.",
    ),
}
"""The same words whatever became of the referral: that it was declined, or has a result, is not for a mailbox."""

_APPOINTMENTS: Mapping[Language, Mapping[Template, tuple[str, str]]] = {
    "de": {
        "appointment-booked": (
            "Ein neuer Termin",
            "Sie haben einen neuen Termin am {when}: Melden Sie sich an, um ihn zu sehen.",
        ),
        "appointment-moved": (
            "Ihr Termin wurde verlegt",
            "Ihr Termin ist jetzt am {when}: Melden Sie sich an, um ihn zu sehen.",
        ),
        "appointment-cancelled": (
            "Ein Termin entfällt",
            "Einer Ihrer Termine findet nicht statt: Melden Sie sich an, um zu sehen, welcher.",
        ),
    },
    "en": {
        "appointment-booked": (
            "A new appointment",
            "You have a new appointment on {when}: sign in to see it.",
        ),
        "appointment-moved": (
            "Your appointment has moved",
            "Your appointment is now on {when}: sign in to see it.",
        ),
        "appointment-cancelled": (
            "An appointment was cancelled",
            "One of your appointments will not take place: sign in to see which.",
        ),
    },
    "es": {
        "appointment-booked": (
            "Una nueva cita",
            "Tiene una nueva cita el {when}: inicie sesión para verla.",
        ),
        "appointment-moved": (
            "Su cita ha cambiado",
            "Su cita es ahora el {when}: inicie sesión para verla.",
        ),
        "appointment-cancelled": (
            "Una cita cancelada",
            "Una de sus citas no tendrá lugar: inicie sesión para ver cuál.",
        ),
    },
    "fr": {
        "appointment-booked": (
            "Un nouveau rendez-vous",
            "Vous avez un nouveau rendez-vous le {when} : connectez-vous pour le voir.",
        ),
        "appointment-moved": (
            "Votre rendez-vous est déplacé",
            "Votre rendez-vous est maintenant le {when} : connectez-vous pour le voir.",
        ),
        "appointment-cancelled": (
            "Un rendez-vous est annulé",
            "L'un de vos rendez-vous n'aura pas lieu : connectez-vous pour voir lequel.",
        ),
    },
}

_REFERRALS: tuple[Template, ...] = ("referral-accepted", "referral-declined", "referral-outcome")

TEXTS: Mapping[Language, Mapping[Template, tuple[str, str]]] = {
    language: {**texts, **dict.fromkeys(_REFERRALS, _NEWS[language])} for language, texts in _APPOINTMENTS.items()
}
"""subject and body of each template in each language"""
