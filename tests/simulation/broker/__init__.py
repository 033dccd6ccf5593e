"""A broker as `shared.runtime.bus.wire` wants it: topics that keep what was acknowledged, and groups that rebalance.

`topics` keeps the messages and their offsets, `outlet` publishes, `groups` is the coordinator and `inlet` its members.
"""

from tests.simulation.broker.inlet import inlets, watch
from tests.simulation.broker.outlet import outlet
from tests.simulation.broker.topics import Broker

__all__ = ["Broker", "inlets", "outlet", "watch"]
