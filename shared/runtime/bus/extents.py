"""What a topic is known to hold: of each partition its first offset, and the one after its last acknowledged message.

Offsets only grow. Where they did not, messages that were acknowledged are gone.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec


class Span(NamedTuple):
    first: int
    next: int


class Extents:
    """Of one topic. Kept beside the relay's position and saved with it, so they know of all that is saved."""

    def __init__(self) -> None:
        self.known: dict[int, Span] = {}
        self._refilled = False

    def acknowledged(self, partition: int, offset: int, count: int) -> None:
        """So many messages are there from this offset on (-1: the broker did not say where)."""
        if offset < 0:
            return
        known = self.known.get(partition, Span(0, 0))
        self._refilled |= offset < known.next
        self.known[partition] = Span(known.first, max(known.next, offset + count))

    def shrunk(self, found: Mapping[int, Span]) -> bool:
        """Whether messages are gone from the ends: the topic was made anew, or a broker has lost its newest."""
        return self._refilled or any(
            found.get(partition, Span(0, 0)).next < span.next for partition, span in self.known.items()
        )

    def cut(self, found: Mapping[int, Span]) -> bool:
        """Whether messages are gone from the beginnings: they were kept for a time only, or deleted."""
        return any(span.first > self.known.get(partition, Span(0, 0)).first for partition, span in found.items())

    def take(self, found: Mapping[int, Span]) -> None:
        """As it is found is as it is known from now on."""
        self.known, self._refilled = dict(found), False

    def pack(self) -> str:
        return msgspec.json.encode(self.known).decode()

    def unpack(self, text: str | None) -> None:
        self.take(msgspec.json.decode(text or "{}", type=dict[int, Span]))
