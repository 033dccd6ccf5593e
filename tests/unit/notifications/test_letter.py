"""Letters: in the patient's language, by the clocks of the place, and without a word that is nobody's to read."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID

import pytest

from services.notifications.domain.letter import TEXTS, Letter, local_time, write_letter
from services.notifications.domain.words import TOPICS, Language, Template
from tests.support.scenario import SOME_TIME

START = datetime(2026, 3, 2, 9, 5, tzinfo=timezone(timedelta(hours=1)))
LANGUAGES: tuple[Language, ...] = get_args(Language)
TEMPLATES: tuple[Template, ...] = get_args(Template)

CLINICAL = re.compile(
    "cardi|kardi|heart|herz|coraz|coeur|cœur|oncol|onkol|krebs|cancer|cáncer|psych|hiv|diagn|befund|result|ergebnis|"
    "résult|report|bericht|informe|rapport|condition|treat|behandl|tratam|trait|doctor|doktor|arzt|ärzt|médec|medic|"
    "médic|clinic|klinik|clíni|hospital|krank|hôpital|declin|abgelehnt|rechaz|refus|lehnt|blood|blut|sangre|observ|"
    "drug|arznei|centre|center|zentrum"
)
"""what would tell a reader over the shoulder something about the patient's health, or about who looks after it"""


def letter(*, template: Template = "appointment-booked", language: Language = "en", **facts: Any) -> Letter:
    told = {"id": UUID(int=1), "to": "ann@example.org", "start": START, "at": SOME_TIME}
    return write_letter(template=template, language=language, **{**told, **facts})


def test_a_letter_tells_of_an_appointment_and_where_to_see_it() -> None:
    written = letter()
    assert written.subject == "A new appointment"
    assert written.body == "You have a new appointment on Monday, 2 March 2026 at 09:05: sign in to see it."


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de", "Montag, 2. März 2026, um 09:05 Uhr"),
        ("en", "Monday, 2 March 2026 at 09:05"),
        ("es", "lunes, 2 de marzo de 2026, a las 09:05"),
        ("fr", "lundi 2 mars 2026 à 09:05"),
    ],
)
def test_a_time_is_told_by_the_clocks_of_the_place_in_the_patients_language(language: Language, told: str) -> None:
    assert local_time(START, language=language) == told
    assert told in letter(language=language).body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_every_day_and_month(language: Language) -> None:
    days = {local_time(START + timedelta(days=day), language=language).split()[0] for day in range(7)}
    months = {local_time(START.replace(month=month, day=1), language=language) for month in range(1, 13)}
    assert len(days) == 7
    assert len(months) == 12


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_written_in_every_language_on_one_line(template: Template, language: Language) -> None:
    written = letter(template=template, language=language)
    for text in (written.subject, written.body):
        assert text.strip() == text
        assert text.isprintable()
        assert "{" not in text
    assert ("2026" in written.body) == (template in ("appointment-booked", "appointment-moved"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_letter_holds_a_clinical_word_or_a_name(template: Template, language: Language) -> None:
    written = letter(template=template, language=language)
    text = f"{written.subject} {written.body}".lower()
    assert CLINICAL.findall(text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_about_a_referral_does_not_tell_what_became_of_it(language: Language) -> None:
    about_referrals = [template for template, topic in TOPICS.items() if topic == "referrals"]
    assert len({TEXTS[language][template] for template in about_referrals}) == 1


def test_a_letter_shown_in_a_log_does_not_show_its_address() -> None:
    assert "ann@" not in repr(letter())
