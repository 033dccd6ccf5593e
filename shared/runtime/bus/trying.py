"""Applies a batch and finds what cannot be applied in it, by halves: one bad message costs the others little.

What failed keeps what comes after it from the same aggregate behind it: nothing overtakes.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.kernel import Unavailable
from shared.runtime.bus.listening import Heard

AWAY = (Unavailable, OSError)
"""something that is needed is away, which is nobody's fault: waited for without limit"""


class Moved(Exception):
    """The partitions were given away while this was in hand: whoever has them now reads it again."""


Apply = Callable[[Sequence[Heard]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that could not be applied, or (`error` None) that comes after one of the same source."""

    heard: Heard
    error: Exception | None


async def tried(batch: Sequence[Heard], apply: Apply) -> list[Failed]:
    """What could not be applied of the batch, each source's in order. Raises what is `AWAY`, and `Moved`."""
    if not batch:
        return []
    try:
        await apply(batch)
    except (*AWAY, Moved):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not take the others with it
        if len(batch) == 1:
            return [Failed(batch[0], error)]
    else:
        return []
    first, second = batch[: len(batch) // 2], batch[len(batch) // 2 :]
    failed = await tried(first, apply)
    stuck = {one.heard.source for one in failed}
    failed += [Failed(heard, None) for heard in second if heard.source in stuck]
    return failed + await tried([heard for heard in second if heard.source not in stuck], apply)
