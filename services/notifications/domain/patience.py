"""How long is waited: between tries, for a channel's answer, and for an address that is not there yet."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """- `pauses`: before the second try, the third, and so on; after the last one it is given up.
    - `answer`: after it, an attempt without an outcome counts as lost (its process ended), and another one is made. It
      is longer than what a channel takes at most.
    - `look`: before an address is first looked for again; then as long again as the message has been waiting already.
    - `address`: after it, no address is waited for any more.
    """

    pauses: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=8),
    )
    answer: timedelta = timedelta(seconds=30)
    look: timedelta = timedelta(minutes=1)
    address: timedelta = timedelta(days=3)

    @property
    def tries(self) -> int:
        return len(self.pauses) + 1
