"""AlterConfigs: a topic's settings, all of them anew, as Kafka's request of that name does."""

from deploy.embedded.broker.apis.admin_topics import TopicConfig
from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.storage.configs import refuse_unless_honoured
from deploy.embedded.broker.wire import Int8, Int16, Int32, message

_TOPIC = 2


@message
class ConfigsWanted:
    resource_type: Int8
    resource_name: str
    configs: list[TopicConfig]


@message
class AlterConfigsRequest:
    resources: list[ConfigsWanted]
    validate_only: bool


@message
class ConfigsAltered:
    error_code: Int16 = ErrorCode.NONE
    error_message: str | None = None
    resource_type: Int8
    resource_name: str


@message
class AlterConfigsResponse:
    throttle_time_ms: Int32 = 0
    responses: list[ConfigsAltered]


async def alter_configs(node: Node, request: AlterConfigsRequest, caller: Caller) -> AlterConfigsResponse:
    return AlterConfigsResponse(
        responses=[await _alter(node, wanted, request.validate_only) for wanted in request.resources]
    )


async def _alter(node: Node, wanted: ConfigsWanted, validate_only: bool) -> ConfigsAltered:
    answer = ConfigsAltered(resource_type=wanted.resource_type, resource_name=wanted.resource_name)
    try:
        configs = {config.name: config.value for config in wanted.configs if config.value is not None}
        _refuse_unless_alterable(node, wanted, configs)
        if not validate_only:
            await node.topics.configure(name=wanted.resource_name, configs=configs)
    except Refused as refused:
        answer.error_code, answer.error_message = refused.code, refused.reason
    return answer


def _refuse_unless_alterable(node: Node, wanted: ConfigsWanted, configs: dict[str, str]) -> None:
    if wanted.resource_type != _TOPIC:
        raise Refused(ErrorCode.INVALID_REQUEST, "only topics have settings that can be changed here")
    refuse_unless_honoured(configs=configs)
    node.topics.refuse_unless_there(name=wanted.resource_name)


ALTER_CONFIGS = Api(
    key=33, name="AlterConfigs", versions=versions(0, 1), request=AlterConfigsRequest, answer=alter_configs
)
