"""Patient: registered once, amended as often as needed, retracted for good."""

from contextlib import suppress

from hypothesis import given as every
from hypothesis import strategies as some

from services.records.domain.patient import Patient
from shared.kernel import Gone
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME, given, said
from tests.unit.records.known import patient

ANN, ANNE = patient(family="Chalmers"), patient(family="Chalmers-Windsor")
REGISTERED = said(Patient.Registered, resource=ANN)
AMENDED = said(Patient.Amended, resource=ANNE)
RETRACTED = said(Patient.Retracted, reason="registered twice")


def test_a_patient_is_registered() -> None:
    given(Patient).when(lambda _: Patient.register(id=SOME_ID, at=SOME_TIME, resource=ANN)).then(REGISTERED)


def test_a_change_is_an_amendment() -> None:
    given(Patient, REGISTERED).when(lambda one: one.amend(at=SOME_TIME, resource=ANNE)).then(AMENDED)


def test_what_is_the_same_changes_nothing() -> None:
    given(Patient, REGISTERED, AMENDED).when(lambda one: one.amend(at=SOME_TIME, resource=ANNE)).then_nothing()


def test_a_registration_can_be_a_mistake() -> None:
    given(Patient, REGISTERED).when(lambda one: one.retract(at=SOME_TIME, reason="registered twice")).then(RETRACTED)


def test_after_a_retraction_nothing_is_said_any_more() -> None:
    gone = given(Patient, REGISTERED, RETRACTED)

    gone.when(lambda one: one.amend(at=SOME_TIME, resource=ANNE)).then_refused(Gone)
    gone.when(lambda one: one.retract(at=SOME_TIME, reason="again")).then_refused(Gone)


@every(some.lists(some.sampled_from(["Chalmers", "Windsor", "retract"]), max_size=8))
def test_replay_makes_the_state_that_was_live(asked: list[str]) -> None:
    one = Patient.register(id=SOME_ID, at=SOME_TIME, resource=ANN)
    for wish in asked:
        with suppress(Gone):
            if wish == "retract":
                one.retract(at=SOME_TIME, reason="a mistake")
            else:
                one.amend(at=SOME_TIME, resource=patient(family=wish))

    assert state(replayed(one)) == state(one)
