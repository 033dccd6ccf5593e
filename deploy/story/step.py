"""A step: its name (it makes the keys of its commands), what it tells, and how it is played."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.story.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`play` answers what came of it, in a few words. Played again after it was cut off, it goes on."""

    name: str
    says: str
    play: Callable[[Scene], Awaitable[str]]
