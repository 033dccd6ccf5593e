"""Bytes being read from the front. What does not fit is `Malformed`, so a bad frame can be no worse than that."""

from struct import Struct
from typing import Any


class Malformed(ValueError):
    """The bytes are not what Kafka's protocol says; the connection they came by is closed."""


class Source:
    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def at(self) -> int:
        return self._at

    @property
    def remaining(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        start = self._advance(size)
        return self._data[start : self._at]

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        start = self._advance(layout.size)
        return layout.unpack_from(self._data, start)

    def varint(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("a varint longer than five bytes")

    def skip_tagged_fields(self) -> None:
        """Flexible versions may end in fields that older brokers do not know: a tag, a length and bytes each."""
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())

    def expect_end(self) -> None:
        if self.remaining:
            raise Malformed(f"{self.remaining} bytes too many")

    def _advance(self, size: int) -> int:
        start = self._at
        if size > len(self._data) - start:
            raise Malformed("the frame ends too early")
        self._at = start + size
        return start
