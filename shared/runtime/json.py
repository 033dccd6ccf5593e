"""JSON as Carelog writes it: numbers keep every digit they came with, and equal content has equal bytes.

A FHIR decimal such as `51.30` is read as `Decimal` and written as the same digits, so precision survives the log, the
topics and the documents (FHIR R4, datatypes: decimal).
"""

from decimal import Decimal
from typing import Any

import msgspec
from pydantic import BaseModel


def _plain(value: Any) -> Any:
    """What msgspec does not know: pydantic models become their fields."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
_CANONICAL = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number", order="sorted")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def dumps(value: Any) -> bytes:
    """JSON in the order given: for events, messages and answers."""
    return _ENCODER.encode(value)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, for what is compared byte for byte."""
    return _CANONICAL.encode(value)


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text. Raises `ValueError` (without the text) where it is not JSON; numbers with a point or
    an exponent are `Decimal`.
    """
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise ValueError("not JSON") from broken
    except RecursionError:
        raise ValueError("nested too deeply") from None
