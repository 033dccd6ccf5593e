"""What a primitive value may look like (FHIR R4, datatypes: primitive types). A check answers what is wrong, or None.

No check ever repeats the value: a `Fault` is a rule in words and a FHIR issue code.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from services.records.domain.fhir import period_of


class Fault(NamedTuple):
    """A rule that was broken, in words, and its code in FHIR's issue-type."""

    message: str
    code: str = "value"


Check = Callable[[Any], Fault | None]

LONGEST = 1024 * 1024
"""Characters of a string (FHIR R4, datatypes: string)."""

_NOT_A_STRING = Fault("must be a string", "structure")
_EMPTY = Fault("must not be empty: leave it out instead", "structure")
_TOO_LONG = Fault("must not be longer than 1,048,576 characters", "too-long")
_UNSTORABLE = Fault("must not hold the character U+0000 or half of a surrogate pair")
_NO_DATE = Fault("must be a date that exists")

_SURROGATE = re.compile("[\ud800-\udfff]")
_CODE = re.compile(r"\S+( \S+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URI = re.compile(r"\S+")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_INSTANT = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{1,18})?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)


def text(value: Any) -> Fault | None:
    """A string or markdown. Control characters other than U+0000 pass: the standard only advises against them."""
    if type(value) is not str:
        return _NOT_A_STRING
    if not value:
        return _EMPTY
    if len(value) > LONGEST:
        return _TOO_LONG
    return _UNSTORABLE if unstorable(value) else None


def unstorable(value: str) -> bool:
    """No store takes these: a PostgreSQL text has no U+0000, and UTF-8 has no half of a surrogate pair."""
    return "\0" in value or (not value.isascii() and _SURROGATE.search(value) is not None)


def code(value: Any) -> Fault | None:
    return _matched(value, _CODE, "must be a code: no blanks but single ones inside")


def id(value: Any) -> Fault | None:
    return _matched(value, _ID, "must be an id: 1 to 64 letters, digits, hyphens and dots")


def uri(value: Any) -> Fault | None:
    """A URI, URL or canonical; where it says to be an OID or a UUID it has to be one."""
    fault = _matched(value, _URI, "must be a URI, without blanks")
    if fault or not value.startswith("urn:"):
        return fault
    if value.startswith("urn:oid:"):
        return oid(value)
    return uuid(value) if value.startswith("urn:uuid:") else None


def oid(value: Any) -> Fault | None:
    return _matched(value, _OID, "must be an OID: `urn:oid:` and numbers with dots between")


def uuid(value: Any) -> Fault | None:
    return _matched(value, _UUID, "must be a UUID: `urn:uuid:` and its 36 characters")


def boolean(value: Any) -> Fault | None:
    return None if type(value) is bool else Fault("must be true or false", "structure")


def whole(least: int) -> Check:
    """An integer of 32 bits that is not below `least`."""
    wrong = Fault(f"must be a whole number from {least} to 2147483647")

    def check(value: Any) -> Fault | None:
        if type(value) is not int:
            return Fault("must be a whole number", "structure")
        return None if least <= value <= 2147483647 else wrong

    return check


def decimal(value: Any) -> Fault | None:
    """Every digit is kept, so their number is bounded: `1e999999999` would be a gigabyte written out."""
    if type(value) is int:
        return None if value.bit_length() <= 64 else Fault("must have at most 18 digits")
    if not isinstance(value, Decimal | float):
        return Fault("must be a number", "structure")
    parts = Decimal(value).as_tuple() if isinstance(value, Decimal) else Decimal(repr(value)).as_tuple()
    if not isinstance(parts.exponent, int):
        return Fault("must be a number")
    bounded = len(parts.digits) <= 64 and abs(parts.exponent) <= 64
    return None if bounded else Fault("must have at most 64 digits, before and after its point")


def day(value: Any) -> Fault | None:
    """A date or partial date, without a time."""
    fault = _matched(value, _DATE, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD")
    return fault or (None if _exists(value) else _NO_DATE)


def moment(value: Any) -> Fault | None:
    """A dateTime: a date or partial date, or an instant."""
    if type(value) is str and len(value) <= 10:
        return day(value)
    rule = "must be a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone"
    return _matched(value, _INSTANT, rule) or (None if _exists(value) else _NO_DATE)


def instant(value: Any) -> Fault | None:
    rule = "must be an instant: YYYY-MM-DDThh:mm:ss with a time zone"
    return _matched(value, _INSTANT, rule) or (None if _exists(value) else _NO_DATE)


def time(value: Any) -> Fault | None:
    return _matched(value, _TIME, "must be a time of day: hh:mm:ss")


def base64(value: Any) -> Fault | None:
    if type(value) is not str:
        return _NOT_A_STRING
    if not value:
        return _EMPTY
    try:
        binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except ValueError:
        return Fault("must be base64")
    return None


def _matched(value: Any, pattern: re.Pattern[str], rule: str) -> Fault | None:
    if type(value) is not str:
        return _NOT_A_STRING
    if not value:
        return _EMPTY
    if pattern.fullmatch(value) is None:
        return Fault(rule)
    return text(value) if len(value) > 64 or not value.isascii() or "\0" in value else None


def _exists(value: str) -> bool:
    """At the ends of the calendar a zone, or the end of the period, may lead out of it: there it is asked in full."""
    try:
        if value[:4] in {"0000", "0001", "9999"} or value[17:19] == "60":
            period_of(value)
        elif len(value) > 10:
            datetime.fromisoformat(value)
        elif len(value) == 10:
            date.fromisoformat(value)
    except ValueError:
        return False
    return True


CHECKS: Mapping[str, Check] = {
    "base64Binary": base64,
    "boolean": boolean,
    "canonical": uri,
    "code": code,
    "date": day,
    "dateTime": moment,
    "decimal": decimal,
    "id": id,
    "instant": instant,
    "integer": whole(-2147483648),
    "markdown": text,
    "oid": oid,
    "positiveInt": whole(1),
    "string": text,
    "time": time,
    "unsignedInt": whole(0),
    "uri": uri,
    "url": uri,
    "uuid": uuid,
}
"""By the name of the primitive type; `xhtml` is in `narrative`."""
