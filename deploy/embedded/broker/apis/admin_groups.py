"""ListGroups, DescribeGroups and DeleteGroups: consumer groups as an operator sees them."""

from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.group import Group, GroupState
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.wire import Int16, Int32, Since, message

_NO_OPERATIONS = -(2**31)
_CONSUMER = "consumer"


@message
class ListGroupsRequest:
    pass


@message
class ListedGroup:
    group_id: str
    protocol_type: str


@message
class ListGroupsResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = ErrorCode.NONE
    groups: list[ListedGroup]


async def list_groups(node: Node, request: ListGroupsRequest, caller: Caller) -> ListGroupsResponse:
    protocol_types = {group.group_id: group.protocol_type for group in node.coordinator.all()}
    try:
        names = sorted({*protocol_types, *await node.offsets.groups()})
    except Refused as refused:
        return ListGroupsResponse(error_code=refused.code, groups=[])
    groups = [ListedGroup(group_id=name, protocol_type=protocol_types.get(name, _CONSUMER)) for name in names]
    return ListGroupsResponse(groups=groups)


@message
class DescribeGroupsRequest:
    groups: list[str]
    include_authorized_operations: Annotated[bool, Since(3)] = False


@message
class DescribedMember:
    member_id: str
    group_instance_id: Annotated[str | None, Since(4)] = None
    client_id: str
    client_host: str
    member_metadata: bytes
    member_assignment: bytes


@message
class DescribedGroup:
    error_code: Int16 = ErrorCode.NONE
    group_id: str
    group_state: str
    protocol_type: str = ""
    protocol_data: str = ""
    members: list[DescribedMember]
    authorized_operations: Annotated[Int32, Since(3)] = _NO_OPERATIONS


@message
class DescribeGroupsResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    groups: list[DescribedGroup]


async def describe_groups(node: Node, request: DescribeGroupsRequest, caller: Caller) -> DescribeGroupsResponse:
    return DescribeGroupsResponse(groups=[await _describe(node, group_id) for group_id in request.groups])


async def _describe(node: Node, group_id: str) -> DescribedGroup:
    group = node.coordinator.find(group_id=group_id)
    if group is not None:
        return _with_members(group)
    try:
        committed = await node.offsets.of_group(group_id=group_id)
    except Refused as refused:
        return DescribedGroup(error_code=refused.code, group_id=group_id, group_state="", members=[])
    state, protocol_type = (GroupState.EMPTY, _CONSUMER) if committed else (GroupState.DEAD, "")
    return DescribedGroup(group_id=group_id, group_state=state, protocol_type=protocol_type, members=[])


def _with_members(group: Group) -> DescribedGroup:
    members = [
        DescribedMember(
            member_id=member.member_id,
            group_instance_id=member.instance_id,
            client_id=member.joining.client_id,
            client_host=member.joining.client_host,
            member_metadata=member.subscription(protocol=group.protocol),
            member_assignment=member.assignment,
        )
        for member in group.members.values()
    ]
    return DescribedGroup(
        group_id=group.group_id,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol,
        members=members,
    )


@message
class DeleteGroupsRequest:
    groups_names: list[str]


@message
class GroupDeleted:
    group_id: str
    error_code: Int16


@message
class DeleteGroupsResponse:
    throttle_time_ms: Int32 = 0
    results: list[GroupDeleted]


async def delete_groups(node: Node, request: DeleteGroupsRequest, caller: Caller) -> DeleteGroupsResponse:
    results = [
        GroupDeleted(group_id=group_id, error_code=await _delete(node, group_id)) for group_id in request.groups_names
    ]
    return DeleteGroupsResponse(results=results)


async def _delete(node: Node, group_id: str) -> ErrorCode:
    try:
        known = node.coordinator.forget(group_id=group_id)
        known = await node.offsets.delete_group(group_id=group_id) or known
    except Refused as refused:
        return refused.code
    return ErrorCode.NONE if known else ErrorCode.GROUP_ID_NOT_FOUND


DESCRIBE_GROUPS = Api(
    key=15, name="DescribeGroups", versions=versions(0, 4), request=DescribeGroupsRequest, answer=describe_groups
)
LIST_GROUPS = Api(key=16, name="ListGroups", versions=versions(0, 2), request=ListGroupsRequest, answer=list_groups)
DELETE_GROUPS = Api(
    key=42, name="DeleteGroups", versions=versions(0, 1), request=DeleteGroupsRequest, answer=delete_groups
)
