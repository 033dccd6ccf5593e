"""What one worker of a service does for all of them. Two at once would do no harm, only the same work twice."""

from uuid import uuid4

from shared.runtime.log import Log

_LAPSE = 30.0
"""seconds after which a duty that was not renewed is taken by another worker"""

_TAKE = """
    INSERT INTO duties (name, holder, renewed_at) VALUES ($1, $2, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, renewed_at = excluded.renewed_at
        WHERE duties.holder = excluded.holder OR duties.renewed_at < clock_timestamp() - make_interval(secs => $3)
    RETURNING name
"""


class Duty:
    """A duty by its name, as far as this process is concerned."""

    def __init__(self, name: str, *, log: Log) -> None:
        self._name = name
        self._log = log
        self._holder = uuid4()

    async def mine(self) -> bool:
        """Whether it is ours for now: asked before each round. Raises `Unavailable`."""
        return bool(await self._log.fetch(_TAKE, self._name, self._holder, _LAPSE))

    async def give_back(self) -> None:
        """So that another can begin at once."""
        await self._log.fetch("DELETE FROM duties WHERE name = $1 AND holder = $2", self._name, self._holder)
