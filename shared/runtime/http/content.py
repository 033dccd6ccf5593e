"""Request bodies: JSON that can mean one thing only (RFC 8259, and I-JSON RFC 7493 where that leaves room), or a 400.

Refused: what is not UTF-8, a name given twice, NaN, half surrogates, NUL, numbers beyond a double, deep nesting.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from email.message import Message
from typing import Any

from starlette.requests import Request

from shared.runtime.http.problems import Malformed, TooSlow, Unsupported
from shared.runtime.wording import shown_name

DEPTH = 100
DIGITS = 64
EXPONENT = 308
PATIENCE = 60.0
"""seconds in which a body must have arrived"""
_LARGE = 128 * 1024
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class Submitted(Request):
    """A request whose JSON is read strictly, once, and off the event loop where it is large. An empty body is None."""

    _raw: bytes | None = None
    _value: Any = None
    _read = False

    async def json(self) -> Any:
        if not self._read:
            self._value = await self._parsed(await self.body())
            self._read = True
        return self._value

    async def body(self) -> bytes:
        if self._raw is None:
            try:
                async with asyncio.timeout(PATIENCE):
                    self._raw = await super().body()
            except TimeoutError:
                raise TooSlow from None
        return self._raw

    async def _parsed(self, raw: bytes) -> Any:
        if not raw:
            return None
        if not is_json(self.headers.get("content-type", "")):
            raise Unsupported
        return await asyncio.to_thread(parse, raw) if len(raw) > _LARGE else parse(raw)


def is_json(content_type: str) -> bool:
    """Whether this media type is JSON or built on it (`application/fhir+json`)."""
    message = Message()
    message["content-type"] = content_type
    kind = message.get_content_type()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def parse(raw: bytes) -> Any:
    """The value of a JSON text; numbers with a point or an exponent are `Decimal`. Raises `Malformed`."""
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
    except json.JSONDecodeError as broken:
        raise Malformed(f"Not JSON: line {broken.lineno}, column {broken.colno}.") from None
    except UnicodeDecodeError as broken:
        raise Malformed(f"Not UTF-8: byte {broken.start}.") from None
    except RecursionError:
        raise Malformed(f"Nested more than {DEPTH} levels deep.") from None
    _check_depth(value)
    if _SUSPECT.search(text):
        _check_texts(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
        if not level:
            return
    raise Malformed(f"Nested more than {DEPTH} levels deep.")


def _children(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _check_texts(value: Any) -> None:
    for text in _texts(value):
        if "\x00" in text:
            raise Malformed("A text holds the character U+0000.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise Malformed("A text holds half of a surrogate pair.")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique: which of two values was meant, nobody can tell afterwards."""
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise Malformed(f"The name {shown_name(twice)} is given twice in one object.")
    return found


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise Malformed(f"A number has more than {DIGITS} digits.")
    return int(text)


def _decimal(text: str) -> Decimal:
    value = Decimal(text) if len(text) <= DIGITS else None
    if value is None or abs(value.adjusted()) > EXPONENT:
        raise Malformed(f"A number has more than {DIGITS} digits, or an exponent beyond {EXPONENT}.")
    return value


def _no_constant(text: str) -> Any:
    raise Malformed("NaN and Infinity are not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_whole, parse_float=_decimal, parse_constant=_no_constant
)
