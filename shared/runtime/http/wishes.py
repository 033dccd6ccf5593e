"""What callers ask for, in the types that every `api.py` shares: each means one thing only, or is refused by name."""

import re
from datetime import date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_YEARS = range(1900, 2200)


class Wish(BaseModel):
    """What a caller asks for; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _instant(said: object) -> datetime:
    try:
        if isinstance(said, str) and _INSTANT.fullmatch(said) and int(said[:4]) in _YEARS:
            return datetime.fromisoformat(said)
    except ValueError:
        pass
    raise PydanticCustomError("datetime_parsing", "not an instant")


def _day(said: object) -> date:
    try:
        if isinstance(said, str) and _DAY.fullmatch(said) and int(said[:4]) in _YEARS:
            return date.fromisoformat(said)
    except ValueError:
        pass
    raise PydanticCustomError("date_parsing", "not a day")


def _day_or_instant(said: object) -> date:
    return _day(said) if isinstance(said, str) and _DAY.fullmatch(said) else _instant(said)


Instant = Annotated[datetime, PlainValidator(_instant, json_schema_input_type=datetime)]
"""an instant as RFC 3339 writes it, with its offset; a bare number could be seconds since anything"""
Day = Annotated[date, PlainValidator(_day, json_schema_input_type=date)]
"""a day as ISO 8601 writes it"""
DayOrInstant = Annotated[date, PlainValidator(_day_or_instant, json_schema_input_type=date | datetime)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
"""a few words"""
Limit = Annotated[int, Query(ge=1, le=200)]
"""how many of a list make a page"""
