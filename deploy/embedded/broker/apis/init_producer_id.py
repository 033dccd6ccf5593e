"""InitProducerId: an id for an idempotent producer."""

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.wire import Int16, Int32, Int64, message


@message
class InitProducerIdRequest:
    transactional_id: str | None
    transaction_timeout_ms: Int32


@message
class InitProducerIdResponse:
    throttle_time_ms: Int32 = 0
    error_code: Int16 = ErrorCode.NONE
    producer_id: Int64 = -1
    producer_epoch: Int16 = -1


async def init_producer_id(node: Node, request: InitProducerIdRequest, caller: Caller) -> InitProducerIdResponse:
    if request.transactional_id is not None:
        return InitProducerIdResponse(error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    try:
        return InitProducerIdResponse(producer_id=await node.producer_ids.next(), producer_epoch=0)
    except Refused as refused:
        return InitProducerIdResponse(error_code=refused.code)


INIT_PRODUCER_ID = Api(
    key=22,
    name="InitProducerId",
    versions=versions(0, 1),
    request=InitProducerIdRequest,
    answer=init_producer_id,
)
