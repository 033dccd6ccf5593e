"""One request of Kafka's protocol that this broker answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from deploy.embedded.broker.node import Caller, Node

Request = TypeVar("Request")


@dataclass(frozen=True, slots=True)
class Api(Generic[Request]):
    """`answer` returns the response message, or None where the client wants none. Flexible versions (compact lengths,
    tagged fields) are spoken only where clients insist on them."""

    key: int
    name: str
    versions: range
    request: type[Request]
    answer: Callable[[Node, Request, Caller], Awaitable[object]]
    flexible_since: int | None = None
    pipelined: bool = False

    def is_flexible(self, version: int) -> bool:
        return self.flexible_since is not None and version >= self.flexible_since


def versions(first: int, last: int) -> range:
    return range(first, last + 1)
