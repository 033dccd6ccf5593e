"""DescribeConfigs: what a topic was created with, and the little that is true of every topic and of the node."""

from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.storage.configs import defaults
from deploy.embedded.broker.storage.topics import Topic
from deploy.embedded.broker.wire import Int8, Int16, Int32, Since, Until, message

_TOPIC, _BROKER = 2, 4
_SET_ON_TOPIC, _DEFAULT = 1, 5  # where a value comes from


@message
class ConfigResource:
    resource_type: Int8
    resource_name: str
    configuration_keys: list[str] | None


@message
class DescribeConfigsRequest:
    resources: list[ConfigResource]
    include_synonyms: Annotated[bool, Since(1)] = False
    include_documentation: Annotated[bool, Since(3)] = False


@message
class ConfigSynonym:
    name: str
    value: str | None
    source: Int8


@message
class ConfigEntry:
    name: str
    value: str | None
    read_only: bool = True
    is_default: Annotated[bool, Until(0)] = False
    config_source: Annotated[Int8, Since(1)]
    is_sensitive: bool = False
    synonyms: Annotated[list[ConfigSynonym], Since(1)]
    config_type: Annotated[Int8, Since(3)] = 0
    documentation: Annotated[str | None, Since(3)] = None


@message
class ConfigsDescribed:
    error_code: Int16 = ErrorCode.NONE
    error_message: str | None = None
    resource_type: Int8
    resource_name: str
    configs: list[ConfigEntry]


@message
class DescribeConfigsResponse:
    throttle_time_ms: Int32 = 0
    results: list[ConfigsDescribed]


async def describe_configs(node: Node, request: DescribeConfigsRequest, caller: Caller) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(results=[_describe(node, resource) for resource in request.resources])


def _describe(node: Node, resource: ConfigResource) -> ConfigsDescribed:
    topic = node.topics.find(name=resource.resource_name) if resource.resource_type == _TOPIC else None
    known = topic is not None or resource.resource_type == _BROKER
    wanted = resource.configuration_keys
    return ConfigsDescribed(
        error_code=ErrorCode.NONE if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=[entry for entry in _entries(node, topic) if known and (wanted is None or entry.name in wanted)],
    )


def _entries(node: Node, topic: Topic | None) -> list[ConfigEntry]:
    chosen = topic.configs if topic is not None else {}
    every_topics = defaults(max_message_bytes=node.limits.max_message_bytes)
    entries = [_entry(name, value, _DEFAULT) for name, value in every_topics.items() if name not in chosen]
    return entries + [_entry(name, value, _SET_ON_TOPIC) for name, value in chosen.items()]


def _entry(name: str, value: str, source: int) -> ConfigEntry:
    return ConfigEntry(name=name, value=value, is_default=source == _DEFAULT, config_source=source, synonyms=[])


DESCRIBE_CONFIGS = Api(
    key=32, name="DescribeConfigs", versions=versions(0, 3), request=DescribeConfigsRequest, answer=describe_configs
)
