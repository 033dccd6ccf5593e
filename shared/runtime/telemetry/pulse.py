"""How late the event loop is: what blocks it holds up every command, consumer and probe of the process."""

import asyncio

_BEAT = 0.25
_KEPT = 60
"""beats that are remembered: fifteen seconds, the usual time between two looks"""


class Pulse:
    """Sleeps a little, over and over, and notes how much too late it wakes. `run` goes on until cancelled."""

    def __init__(self) -> None:
        self._late = [0.0] * _KEPT
        self._beats = 0

    @property
    def delay(self) -> float:
        """The longest that the loop was late in the last fifteen seconds."""
        return max(self._late)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(_BEAT)
            self._late[self._beats % _KEPT] = max(0.0, loop.time() - began - _BEAT)
            self._beats += 1
