"""The development broker: Kafka's protocol over one SQLite file, for one machine without Kafka. Single node, loopback
only, no replication, no transactions, no access control. `python -m deploy.embedded.broker --data DIR` runs it."""

from deploy.embedded.broker.broker import Broker, NotLoopback
from deploy.embedded.broker.node import Limits
from deploy.embedded.broker.storage.database import DataInUse

__all__ = ["Broker", "DataInUse", "Limits", "NotLoopback"]
