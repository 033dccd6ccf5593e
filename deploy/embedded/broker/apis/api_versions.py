"""ApiVersions: what is answered here. A version that is not spoken is answered in version 0, which all clients know."""

from collections.abc import Iterable
from typing import Annotated, Any

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.wire import Int16, Int32, Since, message

API_VERSIONS_KEY = 18


@message
class ApiVersionsRequest:
    client_software_name: Annotated[str, Since(3)] = ""
    client_software_version: Annotated[str, Since(3)] = ""


@message
class ApiRange:
    api_key: Int16
    min_version: Int16
    max_version: Int16


@message
class ApiVersionsResponse:
    error_code: Int16 = ErrorCode.NONE
    api_keys: list[ApiRange]
    throttle_time_ms: Annotated[Int32, Since(1)] = 0


def api_versions(*, of: Iterable[Api[Any]]) -> Api[ApiVersionsRequest]:
    """The API that tells of those and of itself."""
    own = versions(0, 3)
    ranges = [ApiRange(api_key=api.key, min_version=api.versions[0], max_version=api.versions[-1]) for api in of]
    ranges.append(ApiRange(api_key=API_VERSIONS_KEY, min_version=own[0], max_version=own[-1]))

    async def answer(node: Node, request: ApiVersionsRequest, caller: Caller) -> ApiVersionsResponse:
        error_code = ErrorCode.NONE if caller.version in own else ErrorCode.UNSUPPORTED_VERSION
        return ApiVersionsResponse(error_code=error_code, api_keys=ranges)

    return Api(
        key=API_VERSIONS_KEY,
        name="ApiVersions",
        versions=own,
        request=ApiVersionsRequest,
        answer=answer,
        flexible_since=3,
    )
