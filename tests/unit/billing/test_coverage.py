"""A coverage: registered once, in force from its first to its last day."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as some

from services.billing.domain.coverage import Coverage, EndsBeforeItStarts
from shared.kernel import OrganizationId, PatientId
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME, given, said

ANN = PatientId(UUID(int=7))
REGISTERED = said(
    Coverage.Registered,
    patient=ANN,
    payer="Aurora Health",
    member_id="AH-1",
    start=date(2026, 1, 1),
    end=date(2026, 12, 31),
)


def registered(*, end: date | None = None) -> Coverage:
    return Coverage.register(
        id=SOME_ID,
        patient=ANN,
        payer="Aurora Health",
        member_id="AH-1",
        start=date(2026, 1, 1),
        end=end,
        order=1,
        at=SOME_TIME,
    )


def test_a_coverage_is_registered() -> None:
    given(Coverage).when(lambda _: registered(end=date(2026, 12, 31))).then(REGISTERED)


def test_a_coverage_that_ends_before_it_starts_is_refused() -> None:
    given(Coverage).when(lambda _: registered(end=date(2025, 12, 31))).then_refused(EndsBeforeItStarts)


@pytest.mark.parametrize(
    ("on", "covered"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_it_covers_from_its_first_day_to_its_last(on: date, covered: bool) -> None:
    assert registered(end=date(2026, 12, 31)).covers(ANN, on=on) is covered


def test_without_an_end_it_goes_on() -> None:
    assert registered().covers(ANN, on=date(2099, 1, 1))


def test_it_does_not_cover_another_patient() -> None:
    assert not registered().covers(UUID(int=8), on=date(2026, 3, 1))


def test_the_same_coverage_has_one_id_and_a_renewal_another() -> None:
    def id_of(payer: str, start: date) -> UUID:
        return Coverage.id_of(
            organization=OrganizationId("north"), patient=ANN, payer=payer, member_id="AH-1", start=start
        )

    assert id_of("Aurora Health", date(2026, 1, 1)) == id_of("AURORA health", date(2026, 1, 1))
    assert id_of("Aurora Health", date(2026, 1, 1)) != id_of("Aurora Health", date(2027, 1, 1))


@examples(some.text(min_size=1, max_size=20), some.none() | some.dates(min_value=date(2026, 1, 1)), some.integers(1, 9))
def test_replay_makes_the_state_that_was_live(payer: str, end: date | None, order: int) -> None:
    live = Coverage.register(
        id=SOME_ID,
        patient=ANN,
        payer=payer,
        member_id="AH-1",
        start=date(2026, 1, 1),
        end=end,
        order=order,
        at=SOME_TIME,
    )
    assert state(replayed(live)) == state(live)
