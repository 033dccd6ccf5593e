"""Applies a batch and finds what cannot be applied in it, by halves: one bad message costs the others little.

What failed keeps what comes after it from the same aggregate behind it: nothing overtakes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.kernel import Unavailable
from shared.runtime.bus.listening import Heard

AWAY = (Unavailable, OSError)
"""something that is needed is away, which is nobody's fault: waited for without limit"""


class Moved(Exception):
    """The partitions were given away while this was in hand: whoever has them now reads it again."""


class NotYet(Exception):
    """What it needs is not known here yet and will come: it is tried again by itself, and the others go on."""


class Partly(Exception):
    """A listener's way to say which of its messages failed, by their events' ids; all others are handled, but for those
    that come after one of these from the same source.
    """

    def __init__(self, errors: Mapping[str, Exception]) -> None:
        super().__init__(f"{len(errors)} failed")
        self.errors = errors


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
    except Partly as partly:
        return _failed(batch, partly.errors)
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


def _failed(batch: Sequence[Heard], errors: Mapping[str, Exception]) -> list[Failed]:
    failed: list[Failed] = []
    stuck: set[UUID] = set()
    for heard in batch:
        error = errors.get(heard.contract.envelope.id)
        if error or heard.source in stuck:
            failed.append(Failed(heard, error))
            stuck.add(heard.source)
    return failed
