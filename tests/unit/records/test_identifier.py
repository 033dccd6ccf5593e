"""Identifier: borne by one at a time, and free again when it is released."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from hypothesis import given as every
from hypothesis import strategies as some

from services.records.domain.identifier import Identifier, IdentifierTaken, identifier_id, unique_identifiers
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME, given, said
from tests.unit.records.known import ANN, BOB, patient, statement

NAME: dict[str, Any] = {"type": "Patient", "system": "urn:oid:1.2.36.146", "value": "12345"}
CLAIMED = said(Identifier.Claimed, **NAME, bearer=ANN)
RELEASED = said(Identifier.Released)


def claim() -> Identifier:
    return Identifier.claim(id=SOME_ID, at=SOME_TIME, **NAME, bearer=ANN)


def test_it_is_claimed() -> None:
    given(Identifier).when(lambda _: claim()).then(CLAIMED)


def test_another_one_cannot_have_it() -> None:
    given(Identifier, CLAIMED).when(lambda one: one.claim_again(at=SOME_TIME, bearer=BOB)).then_refused(IdentifierTaken)


def test_who_bears_it_may_claim_it_again() -> None:
    given(Identifier, CLAIMED).when(lambda one: one.claim_again(at=SOME_TIME, bearer=ANN)).then_nothing()


def test_once_released_it_can_be_another_ones() -> None:
    given(Identifier, CLAIMED, RELEASED).when(lambda one: one.claim_again(at=SOME_TIME, bearer=BOB)).then(
        said(Identifier.ClaimedAgain, bearer=BOB)
    )


def test_nobody_releases_what_another_one_bears() -> None:
    given(Identifier, CLAIMED).when(lambda one: one.release(at=SOME_TIME, by=BOB)).then_nothing()
    given(Identifier, CLAIMED).when(lambda one: one.release(at=SOME_TIME, by=ANN)).then(RELEASED)


def test_a_patients_identifier_is_unique_within_an_organisation() -> None:
    assert name_of("Patient", "north-clinic") == name_of("Patient", "north-clinic")
    assert name_of("Patient", "north-clinic") != name_of("Patient", "heart-centre")


def test_an_identifier_of_the_directory_is_unique_for_everybody() -> None:
    assert name_of("Organization", "north-clinic") == name_of("Organization", "heart-centre")
    assert name_of("Organization", "north-clinic") != name_of("Practitioner", "north-clinic")


def name_of(type: str, organization: str) -> UUID:
    return identifier_id(type=type, system="urn:oid:1.2.36.146", value="12345", organization=organization)


def test_only_whole_identifiers_of_people_and_the_directory_are_claimed() -> None:
    twice = patient()
    twice["identifier"] += [*twice["identifier"], {"value": "no system"}, {"system": "no value"}]

    assert list(unique_identifiers(twice)) == [("urn:oid:1.2.36.146", "12345")]
    assert list(unique_identifiers(statement(identifier=[{"system": "a", "value": "b"}]))) == []


@every(some.lists(some.tuples(some.sampled_from(["claim", "release"]), some.sampled_from([ANN, BOB])), max_size=10))
def test_replay_makes_the_state_that_was_live(asked: list[tuple[str, UUID]]) -> None:
    one = claim()
    for wish, who in asked:
        with suppress(IdentifierTaken):
            if wish == "claim":
                one.claim_again(at=SOME_TIME, bearer=who)
            else:
                one.release(at=SOME_TIME, by=who)

    assert state(replayed(one)) == state(one)
