"""FindCoordinator: this node, for every consumer group; nobody, for transactions."""

from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.node import NODE_ID, Caller, Node
from deploy.embedded.broker.wire import Int8, Int16, Int32, Since, message

_GROUP = 0


@message
class FindCoordinatorRequest:
    key: str
    key_type: Annotated[Int8, Since(1)] = _GROUP


@message
class FindCoordinatorResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = ErrorCode.NONE
    error_message: Annotated[str | None, Since(1)] = None
    node_id: Int32 = NODE_ID
    host: str
    port: Int32


async def find_coordinator(node: Node, request: FindCoordinatorRequest, caller: Caller) -> FindCoordinatorResponse:
    """Of the errors there are, this one makes every client give up at once instead of asking again for ever."""
    if request.key_type == _GROUP:
        return FindCoordinatorResponse(host=node.host, port=node.port)
    return FindCoordinatorResponse(
        error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        error_message="the development broker has no transactions",
        node_id=-1,
        host="",
        port=-1,
    )


FIND_COORDINATOR = Api(
    key=10,
    name="FindCoordinator",
    versions=versions(0, 2),
    request=FindCoordinatorRequest,
    answer=find_coordinator,
)
