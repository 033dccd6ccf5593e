"""How a patient wants to be told things, and what counts as an address."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import strategies as some

from services.notifications.domain.preferences import NotAnAddress, Preferences, Wanted
from services.notifications.domain.words import Topic
from shared.kernel import CarelogError, PatientId
from shared.runtime.log.mapper import EventMapper
from tests.support.scenario import SOME_TIME, given, said

ANN = PatientId(UUID(int=7))
ANNS = Wanted(email="ann@example.org", opted_out=("referrals",))
SET = said(Preferences.Set, patient=ANN, wanted=ANNS)


def preferences(wanted: Wanted) -> Preferences:
    return Preferences.set(patient=ANN, wanted=wanted, at=SOME_TIME)


def test_preferences_are_set_for_a_patient() -> None:
    given(Preferences).when(lambda _: preferences(ANNS)).then(SET)


def test_preferences_are_changed_all_of_them() -> None:
    wanted = Wanted(language="de")
    given(Preferences, SET).when(lambda one: one.change(wanted=wanted, at=SOME_TIME)).then(
        said(Preferences.Changed, wanted=wanted)
    )


def test_the_same_preferences_again_are_nothing_new() -> None:
    twice = ANNS.model_copy(update={"opted_out": ("referrals", "referrals")})
    given(Preferences, SET).when(lambda one: one.change(wanted=twice, at=SOME_TIME)).then_nothing()


@pytest.mark.parametrize(
    ("wanted", "topic", "wants"),
    [
        (ANNS, "appointments", True),
        (ANNS, "referrals", False),
        (Wanted(channel="none"), "appointments", False),
        (Wanted(), "referrals", True),
    ],
)
def test_a_patient_is_told_of_what_was_not_declined(wanted: Wanted, topic: Topic, wants: bool) -> None:
    assert wanted.wants(topic) is wants


@pytest.mark.parametrize(
    "email",
    ["ann@example.org", "a@b.co", "first.last+tag@sub-domain.example.org", "o'brien@example.org", "x" * 64 + "@a.org"],
)
def test_an_address_is_taken_as_it_is_written(email: str) -> None:
    assert preferences(Wanted(email=email)).wanted.email == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@@example.org",
        "ann@example.org\r\nBcc: all@example.org",
        "ann@example.org\n",
        "\nann@example.org",
        "ann\r@example.org",
        "ann@example.org, bob@example.org",
        "ann@example.org;bob@example.org",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        '"a b"@example.org',
        "ann @example.org",
        "ann@exam ple.org",
        ".ann@example.org",
        "ann..b@example.org",
        "änn@example.org",
        "ann@exämple.org",
        "ann@example.org\x00",
        "ann@example.org\u2028",
        "x" * 65 + "@example.org",
        "ann@" + "x" * 250 + ".org",
    ],
)
def test_what_is_no_single_plain_address_is_refused_without_showing_it(email: str) -> None:
    with pytest.raises(NotAnAddress) as refused:
        preferences(Wanted(email=email))
    assert len(email) < 13 or email not in str(refused.value)


@every(some.text())
def test_no_text_that_passes_for_an_address_breaks_a_line(text: str) -> None:
    for email in (text, f"{text}@example.org", f"ann@example.org{text}"):
        try:
            kept = preferences(Wanted(email=email)).wanted.email
        except NotAnAddress:
            continue
        assert kept is not None
        assert kept.isascii()
        assert kept.isprintable()
        assert not set(kept) & set(' ,;:<>"()[]\\')


# any sequence ----------------------------------------------------------------------------------------------------

Wish = Callable[[Preferences], object]
wishes: some.SearchStrategy[Wish] = some.builds(
    lambda wanted: lambda one: one.change(wanted=wanted, at=SOME_TIME),
    some.builds(Wanted, email=some.sampled_from([None, "ann@example.org", "ann@example.com", "not an address"])),
)


@every(some.lists(wishes, max_size=8))
def test_replay_makes_the_state_that_was_live(asked: list[Wish]) -> None:
    live = preferences(ANNS)
    for wish in asked:
        before = len(live.pending_events)
        try:
            wish(live)
        except CarelogError:
            assert len(live.pending_events) == before
    mapper = EventMapper()
    replayed: Any = None
    for event in live.pending_events:
        replayed = mapper.to_domain_event(mapper.to_stored_event(event)).mutate(replayed)
    assert {k: v for k, v in vars(replayed).items() if k[0] != "_"} == {
        k: v for k, v in vars(live).items() if k[0] != "_"
    }
