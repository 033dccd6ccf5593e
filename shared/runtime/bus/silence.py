"""A consumer that is given nothing although there is something: its client has lost its way, and another may find it.

aiokafka looks for its group's coordinator for as long as that takes and says nothing of it, be it that the broker is
away, that it came back as another, or that the client itself is stuck. Whoever waits at `getmany` cannot tell that from
a quiet topic; the ends of its partitions can.
"""

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from shared.runtime.bus.wire import Inlet

_LOOK = 10.0
"""seconds without a message between two looks at where the topics end"""
_PATIENCE = 10.0
"""seconds for a look: what the client knows of itself, and one question to the broker"""
_REBALANCE = 60.0
"""seconds without partitions in a rebalance: the others have a session's timeout to come, or are not waited for"""


class Silence:
    """Of one inlet. Raises `KafkaTimeoutError` where the inlet has to be opened anew."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._since = _now()
        self._left: Mapping[TopicPartition, int] = {}

    def broken(self) -> None:
        """Something came."""
        self._since = _now()
        self._left = {}

    async def kept(self) -> None:
        """Nothing came. Where something is left and stays left, nothing will."""
        if _now() - self._since < _LOOK:
            return
        self._since = _now()
        try:
            async with asyncio.timeout(_PATIENCE):
                left = await self._behind()
        except TimeoutError:
            raise KafkaTimeoutError("where the group stands and where its topics end is not to be had") from None
        if left.items() & self._left.items():
            raise KafkaTimeoutError("messages are there and do not come")
        self._left = left

    def in_rebalance(self) -> None:
        """It has no partitions, and waits to be given some."""
        if _now() - self._since > _REBALANCE:
            raise KafkaTimeoutError("a rebalance does not end")

    async def _behind(self) -> Mapping[TopicPartition, int]:
        """Where it stands in the partitions that go on after that."""
        asked = set(self._inlet.assignment()) - set(self._inlet.paused())
        ends = await self._inlet.end_offsets(asked) if asked else {}
        stands = {one: await self._inlet.position(one) for one in ends}
        return {one: at for one, at in stands.items() if at < ends[one]}


def _now() -> float:
    return asyncio.get_running_loop().time()
