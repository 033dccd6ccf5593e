"""What the answers work on: the one node of this cluster, its logs and its groups."""

from dataclasses import dataclass

from deploy.embedded.broker.groups.coordinator import Coordinator
from deploy.embedded.broker.storage.log import Log
from deploy.embedded.broker.storage.offsets import CommittedOffsets, ProducerIds
from deploy.embedded.broker.storage.topics import Topics

NODE_ID = 1
CLUSTER_ID = "carelog-development"
NO_EPOCH = -1  # one node has no elections, so there is no leader epoch to tell


@dataclass(frozen=True, slots=True)
class Limits:
    """As Kafka's own defaults are, so that what works here works there."""

    max_message_bytes: int = 1_048_588
    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 1_800_000
    auto_create_partitions: int | None = None


KAFKA_DEFAULTS = Limits()


@dataclass(frozen=True, slots=True)
class Node:
    host: str
    port: int
    topics: Topics
    log: Log
    offsets: CommittedOffsets
    producer_ids: ProducerIds
    coordinator: Coordinator
    limits: Limits


@dataclass(frozen=True, slots=True)
class Caller:
    client_id: str
    client_host: str
    version: int
