"""When things happened, as precisely as it was said."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.records.domain.fhir import LATEST, occurred, period_of, span
from tests.unit.records.fhir.samples import ENCOUNTER, OBSERVATION, PATIENT, bent


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2011", _utc(2011, 1, 1), _utc(2012, 1, 1)),
        ("2011-12", _utc(2011, 12, 1), _utc(2012, 1, 1)),
        ("2012-02", _utc(2012, 2, 1), _utc(2012, 3, 1)),
        ("2012-02-29", _utc(2012, 2, 29), _utc(2012, 3, 1)),
        ("2011-05-02T23:30:00-02:00", _utc(2011, 5, 3, 1, 30), _utc(2011, 5, 3, 1, 30, 1)),
        ("2011-05-02T10:15:30.5Z", _utc(2011, 5, 2, 10, 15, 30, 500000), _utc(2011, 5, 2, 10, 15, 30, 600000)),
        ("2016-12-31T23:59:60Z", _utc(2017, 1, 1), _utc(2017, 1, 1, 0, 0, 1)),
        ("9999", _utc(9999, 1, 1), LATEST),
        ("9999-12-31", _utc(9999, 12, 31), LATEST),
    ],
)
def test_a_date_spans_as_much_as_it_leaves_open(text: str, start: datetime, end: datetime) -> None:
    assert period_of(text) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        *("2011-02-30", "2011-02-29", "2011-13", "0000", "2011-5", "20110502", "２０１１", "", "yesterday"),
        *("2011-05-02T10:15", "2011-05-02T10:15:30", "2011-05-02T24:00:00Z", "2011-05-02T10:61:00Z"),
        *("2011-05-02 10:15:30Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_date_that_does_not_exist_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        period_of(text)
    assert not text or text not in str(refused.value)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_instant_is_read_back(moment: datetime) -> None:
    start, end = period_of(moment.isoformat(timespec="microseconds"))
    assert start == moment < end


@given(st.text(max_size=30))
def test_any_text_is_a_period_or_a_value_error(text: str) -> None:
    try:
        start, end = period_of(text)
    except ValueError:
        return
    assert start <= end


def test_the_clinical_time_keeps_its_text() -> None:
    assert occurred(resource=OBSERVATION) == "2011-05"
    assert occurred(resource=ENCOUNTER) == "2020-03-07T11:35:38+01:00"
    assert occurred(resource=PATIENT) is None


def test_a_period_that_is_still_open_reaches_to_the_end_of_time() -> None:
    assert span(resource=bent(ENCOUNTER, "period", {"start": "2020"})) == (_utc(2020, 1, 1), LATEST)
