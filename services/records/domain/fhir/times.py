"""When a resource happened: its clinical time as text, and what a partial date spans (FHIR R4, datatypes: dateTime)."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from services.records.domain.fhir.paths import first
from services.records.domain.fhir.types import TYPES, Resource

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
"""Where a period without a beginning or an end reaches to."""

Span = tuple[datetime, datetime]
"""From, inclusive, and to, exclusive; both in UTC."""

_DATE_TIME = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"(T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]{1,18}))?"
    r"(?P<zone>Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00))?)?)?",
    re.ASCII,
)


def occurred(*, resource: Resource) -> str | None:
    """The text of its clinical time, as precise as it was said; of a period its start. None where it says none."""
    for path in TYPES[resource["resourceType"]].happened:
        value = first(resource, path)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if isinstance(value, str):
            return value
    return None


@lru_cache(maxsize=8_192)
def period_of(text: str) -> Span:
    """What `2011`, `2011-05`, `2011-05-02` or a full dateTime spans; a date without a zone is taken in UTC.

    Raises `ValueError`, without the text, where it is no FHIR dateTime or names a date that does not exist.
    """
    parts = _DATE_TIME.fullmatch(text)
    if parts is None:
        raise ValueError("not a FHIR dateTime")
    try:
        return _moment(parts) if parts["hour"] else _date(parts)
    except (ValueError, OverflowError):
        raise ValueError("no such date") from None


def span(*, resource: Resource) -> Span | None:
    """From when to when it happened: a whole period, or what a single date spans."""
    for path in TYPES[resource["resourceType"]].happened:
        value = first(resource, path)
        if isinstance(value, str):
            return period_of(value)
        if isinstance(value, dict) and (value.get("start") or value.get("end")):
            return _period(value.get("start"), value.get("end"))
    return None


def _period(start: str | None, end: str | None) -> Span:
    return period_of(start)[0] if start else EARLIEST, period_of(end)[1] if end else LATEST


def _date(parts: re.Match[str]) -> Span:
    year, month, day = int(parts["year"]), int(parts["month"] or 1), int(parts["day"] or 1)
    start = datetime(year, month, day, tzinfo=UTC)
    if parts["day"]:
        return start, _after(start, timedelta(days=1))
    if parts["month"]:
        return start, _first_of(year + month // 12, month % 12 + 1)
    return start, _first_of(year + 1, 1)


def _moment(parts: re.Match[str]) -> Span:
    """An instant spans as much as its last digit: a second or a part. A leap second is taken as the one after."""
    leap = parts["second"] == "60"
    digits = (parts["fraction"] or "")[:6]
    start = datetime(
        int(parts["year"]),
        int(parts["month"]),
        int(parts["day"]),
        int(parts["hour"]),
        int(parts["minute"]),
        59 if leap else int(parts["second"]),
        int(digits.ljust(6, "0")),
        tzinfo=UTC,
    )
    start = start - _offset(parts["zone"]) + timedelta(seconds=1 if leap else 0)
    return start, _after(start, timedelta(microseconds=10 ** (6 - len(digits))))


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return ahead if zone[0] == "+" else -ahead


def _first_of(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC) if year <= LATEST.year else LATEST


def _after(start: datetime, length: timedelta) -> datetime:
    return min(start, LATEST - length) + length
