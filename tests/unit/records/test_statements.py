"""Entry and Listing: one resource with its versions, whose events say by their names what kind it is."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as some

from services.records.domain.directory import Listing
from services.records.domain.entry import Entry
from services.records.domain.fhir import DIRECTORY, ENTRIES
from services.records.domain.statement import AnotherType, Statement
from shared.kernel import CarelogError, Gone
from tests.support.contracts import MAPPER
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME, given, said
from tests.unit.records.known import statement

ALL: list[tuple[type[Any], str]] = [(Entry, one) for one in ENTRIES] + [(Listing, one) for one in DIRECTORY]
RECORDED = said(Entry.KINDS["Observation"].recorded, resource=statement())
RETRACTED = said(Entry.KINDS["Observation"].retracted, reason="another patient's")


@pytest.mark.parametrize(("kind", "type"), ALL, ids=lambda one: str(one))
def test_its_events_are_called_by_its_type(kind: type[Statement], type: str) -> None:
    one = kind.record(id=SOME_ID, at=SOME_TIME, resource=statement(type))
    one.amend(at=SOME_TIME, resource=statement(type, language="de"))
    one.retract(at=SOME_TIME, reason="a mistake")

    assert [MAPPER.to_stored_event(event).topic for event in one.pending_events] == [
        f"records.{type.lower()}.{word}" for word in ("recorded", "amended", "retracted")
    ]


def test_every_type_has_one_aggregate() -> None:
    assert not Entry.KINDS.keys() & Listing.KINDS.keys()


def test_a_change_is_an_amendment() -> None:
    exact = statement(valueQuantity={"value": Decimal("51.30")})

    given(Entry, RECORDED).when(lambda one: one.amend(at=SOME_TIME, resource=exact)).then(
        said(Entry.KINDS["Observation"].amended, resource=exact)
    )


def test_what_is_the_same_changes_nothing() -> None:
    given(Entry, RECORDED).when(lambda one: one.amend(at=SOME_TIME, resource=statement())).then_nothing()


def test_it_keeps_its_type_for_ever() -> None:
    given(Entry, RECORDED).when(lambda one: one.amend(at=SOME_TIME, resource=statement("Goal"))).then_refused(
        AnotherType
    )


def test_after_a_retraction_nothing_is_said_any_more() -> None:
    gone = given(Entry, RECORDED, RETRACTED)

    gone.when(lambda one: one.amend(at=SOME_TIME, resource=statement(language="de"))).then_refused(Gone)
    gone.when(lambda one: one.retract(at=SOME_TIME, reason="again")).then_refused(Gone)


@every(some.sampled_from(ALL), some.lists(some.sampled_from(["de", "fr", "retract", "another"]), max_size=8))
def test_replay_makes_the_state_that_was_live(which: tuple[type[Statement], str], asked: list[str]) -> None:
    kind, type = which
    one = kind.record(id=SOME_ID, at=SOME_TIME, resource=statement(type))
    for wish in asked:
        with suppress(CarelogError):
            if wish == "retract":
                one.retract(at=SOME_TIME, reason="a mistake")
            elif wish == "another":
                one.amend(at=SOME_TIME, resource=statement("Patient"))
            else:
                one.amend(at=SOME_TIME, resource=statement(type, language=wish))

    assert state(replayed(one)) == state(one)
