"""pydantic's errors in our words: where, which rule, and never what was submitted.

pydantic's own messages may hold the input, so each one here is made from the error's type and the rule's own limits.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.kernel import Field

MOST = 50
"""fields named in one answer"""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_PLACES = ("body", "query", "path", "header", "cookie")
_LIMITS = (
    "expected", "expected_tags", "gt", "ge", "lt", "le", "max_length", "min_length",
    "max_digits", "decimal_places", "whole_digits", "multiple_of", "pattern",
)  # fmt: skip

_TEXT = "must be text"
_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_INSTANT = "must be a date and time with its offset, such as 2026-03-01T09:30:00+01:00"
_DATE = "must be a date, such as 2026-03-01"
_OBJECT = "must be an object"
_ID = "must be a UUID"

_RULES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "const": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "must say which kind it is",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "finite_number": "must be a finite number",
    "int_from_float": _WHOLE,
    "timezone_aware": "must carry its offset",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "none_required": "must be null",
    "url_parsing": "must be a URL",
    "url_scheme": "must be a URL of an allowed scheme",
}
_FAMILIES: Mapping[str, str] = {
    "string": _TEXT,
    "int": _WHOLE,
    "float": _NUMBER,
    "decimal": _NUMBER,
    "datetime": _INSTANT,
    "date": _DATE,
    "time": "must be a time of day, such as 09:30",
    "uuid": _ID,
    "is": "must be of the right type",
    "bool": "must be true or false",
    "dict": _OBJECT,
    "mapping": _OBJECT,
    "model": _OBJECT,
    "dataclass": _OBJECT,
}


def broken_rules(errors: Iterable[Any]) -> tuple[Field, ...]:
    """The fields of pydantic's `errors()`, each with its place (`participant[0].start`) and the rule that it breaks."""
    return tuple(
        Field(place_of(error["loc"]), _message(error["type"], error.get("ctx") or {}), error["type"])
        for error, _ in zip(errors, range(MOST), strict=False)
    )


def place_of(location: Iterable[int | str]) -> str:
    """A place in a document, by the names on the way to it (`participant[0].start`)."""
    parts = list(location)
    if len(parts) > 1 and parts[0] in _PLACES:
        del parts[0]
    return "".join(_step(part) for part in parts).lstrip(".") or "body"


def _step(part: int | str) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{shown_name(part)}"


def shown_name(name: str) -> str:
    """A field's submitted name where it looks like a name, else `?`: what stands there could be anything."""
    return name if _NAME.fullmatch(name) else "?"


def _message(kind: str, context: Mapping[str, Any]) -> str:
    limits = {name: context[name] for name in _LIMITS if name in context}
    try:
        return (_RULES.get(kind) or _FAMILIES.get(kind.split("_")[0], "is not valid")).format_map(limits)
    except KeyError:
        return "is not valid"
