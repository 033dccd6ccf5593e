"""Every request that is answered, by its key."""

from typing import Any

from deploy.embedded.broker.apis.admin_groups import DELETE_GROUPS, DESCRIBE_GROUPS, LIST_GROUPS
from deploy.embedded.broker.apis.admin_topics import CREATE_PARTITIONS, CREATE_TOPICS, DELETE_TOPICS
from deploy.embedded.broker.apis.alter_configs import ALTER_CONFIGS
from deploy.embedded.broker.apis.api import Api
from deploy.embedded.broker.apis.api_versions import api_versions
from deploy.embedded.broker.apis.describe_configs import DESCRIBE_CONFIGS
from deploy.embedded.broker.apis.fetch import FETCH
from deploy.embedded.broker.apis.find_coordinator import FIND_COORDINATOR
from deploy.embedded.broker.apis.group_offsets import OFFSET_COMMIT, OFFSET_FETCH
from deploy.embedded.broker.apis.init_producer_id import INIT_PRODUCER_ID
from deploy.embedded.broker.apis.list_offsets import LIST_OFFSETS
from deploy.embedded.broker.apis.membership import HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP
from deploy.embedded.broker.apis.metadata import METADATA
from deploy.embedded.broker.apis.produce import PRODUCE

_APIS: tuple[Api[Any], ...] = (
    PRODUCE,
    FETCH,
    LIST_OFFSETS,
    METADATA,
    OFFSET_COMMIT,
    OFFSET_FETCH,
    FIND_COORDINATOR,
    JOIN_GROUP,
    HEARTBEAT,
    LEAVE_GROUP,
    SYNC_GROUP,
    DESCRIBE_GROUPS,
    LIST_GROUPS,
    CREATE_TOPICS,
    DELETE_TOPICS,
    INIT_PRODUCER_ID,
    DESCRIBE_CONFIGS,
    ALTER_CONFIGS,
    CREATE_PARTITIONS,
    DELETE_GROUPS,
)
APIS: dict[int, Api[Any]] = {api.key: api for api in (*_APIS, api_versions(of=_APIS))}
