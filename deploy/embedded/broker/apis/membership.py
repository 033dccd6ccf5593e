"""JoinGroup, SyncGroup, Heartbeat and LeaveGroup: the life of a member of a consumer group."""

from dataclasses import field
from typing import Annotated

from deploy.embedded.broker.apis.api import Api, versions
from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.member import Joining, MemberIdRequired
from deploy.embedded.broker.node import Caller, Node
from deploy.embedded.broker.wire import Int16, Int32, Since, Until, message


@message
class Protocol:
    name: str
    metadata: bytes


@message
class JoinGroupRequest:
    group_id: str
    session_timeout_ms: Int32
    rebalance_timeout_ms: Annotated[Int32, Since(1)] = -1
    member_id: str
    group_instance_id: Annotated[str | None, Since(5)] = None
    protocol_type: str
    protocols: list[Protocol]


@message
class JoinedMember:
    member_id: str
    group_instance_id: Annotated[str | None, Since(5)] = None
    metadata: bytes


@message
class JoinGroupResponse:
    throttle_time_ms: Annotated[Int32, Since(2)] = 0
    error_code: Int16 = ErrorCode.NONE
    generation_id: Int32 = -1
    protocol_name: str = ""
    leader: str = ""
    member_id: str = ""
    members: list[JoinedMember]


async def join_group(node: Node, request: JoinGroupRequest, caller: Caller) -> JoinGroupResponse:
    try:
        if not node.limits.min_session_timeout_ms <= request.session_timeout_ms <= node.limits.max_session_timeout_ms:
            raise Refused(ErrorCode.INVALID_SESSION_TIMEOUT)
        joined = await node.coordinator.group(group_id=request.group_id).join(_joining(request, caller))
    except MemberIdRequired as required:
        return JoinGroupResponse(error_code=required.code, member_id=required.member_id, members=[])
    except Refused as refused:
        return JoinGroupResponse(error_code=refused.code, member_id=request.member_id, members=[])
    return JoinGroupResponse(
        generation_id=joined.generation,
        protocol_name=joined.protocol,
        leader=joined.leader_id,
        member_id=joined.member_id,
        members=[
            JoinedMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                metadata=member.subscription(protocol=joined.protocol),
            )
            for member in joined.members
        ],
    )


def _joining(request: JoinGroupRequest, caller: Caller) -> Joining:
    patience_ms = request.rebalance_timeout_ms if caller.version >= 1 else request.session_timeout_ms
    return Joining(
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        client_id=caller.client_id,
        client_host=caller.client_host,
        session_timeout=request.session_timeout_ms / 1000,
        rebalance_timeout=patience_ms / 1000,
        protocol_type=request.protocol_type,
        protocols={protocol.name: protocol.metadata for protocol in request.protocols},
        takes_member_id_first=caller.version >= 4,
    )


@message
class Assignment:
    member_id: str
    assignment: bytes


@message
class SyncGroupRequest:
    group_id: str
    generation_id: Int32
    member_id: str
    group_instance_id: Annotated[str | None, Since(3)] = None
    assignments: list[Assignment]


@message
class SyncGroupResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = ErrorCode.NONE
    assignment: bytes = b""


async def sync_group(node: Node, request: SyncGroupRequest, caller: Caller) -> SyncGroupResponse:
    try:
        assignment = await node.coordinator.existing(group_id=request.group_id).sync(
            member_id=request.member_id,
            instance_id=request.group_instance_id,
            generation=request.generation_id,
            assignments={each.member_id: each.assignment for each in request.assignments},
        )
    except Refused as refused:
        return SyncGroupResponse(error_code=refused.code)
    return SyncGroupResponse(assignment=assignment)


@message
class HeartbeatRequest:
    group_id: str
    generation_id: Int32
    member_id: str
    group_instance_id: Annotated[str | None, Since(3)] = None


@message
class HeartbeatResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = ErrorCode.NONE


async def heartbeat(node: Node, request: HeartbeatRequest, caller: Caller) -> HeartbeatResponse:
    try:
        node.coordinator.existing(group_id=request.group_id).heartbeat(
            member_id=request.member_id, instance_id=request.group_instance_id, generation=request.generation_id
        )
    except Refused as refused:
        return HeartbeatResponse(error_code=refused.code)
    return HeartbeatResponse()


@message
class Leaving:
    member_id: str
    group_instance_id: str | None = None


@message
class LeaveGroupRequest:
    """One member before version 3, any number since."""

    group_id: str
    member_id: Annotated[str, Until(2)] = ""
    members: Annotated[list[Leaving], Since(3)] = field(default_factory=list)


@message
class Left:
    member_id: str
    group_instance_id: str | None
    error_code: Int16


@message
class LeaveGroupResponse:
    throttle_time_ms: Annotated[Int32, Since(1)] = 0
    error_code: Int16 = ErrorCode.NONE
    members: Annotated[list[Left], Since(3)]


async def leave_group(node: Node, request: LeaveGroupRequest, caller: Caller) -> LeaveGroupResponse:
    if caller.version < 3:
        error_code = _leave(node, request.group_id, Leaving(member_id=request.member_id))
        return LeaveGroupResponse(error_code=error_code, members=[])
    return LeaveGroupResponse(
        members=[
            Left(
                member_id=leaving.member_id,
                group_instance_id=leaving.group_instance_id,
                error_code=_leave(node, request.group_id, leaving),
            )
            for leaving in request.members
        ]
    )


def _leave(node: Node, group_id: str, leaving: Leaving) -> ErrorCode:
    try:
        node.coordinator.existing(group_id=group_id).leave(
            member_id=leaving.member_id, instance_id=leaving.group_instance_id
        )
    except Refused as refused:
        return refused.code
    return ErrorCode.NONE


JOIN_GROUP = Api(key=11, name="JoinGroup", versions=versions(0, 5), request=JoinGroupRequest, answer=join_group)
HEARTBEAT = Api(key=12, name="Heartbeat", versions=versions(0, 3), request=HeartbeatRequest, answer=heartbeat)
LEAVE_GROUP = Api(key=13, name="LeaveGroup", versions=versions(0, 3), request=LeaveGroupRequest, answer=leave_group)
SYNC_GROUP = Api(key=14, name="SyncGroup", versions=versions(0, 3), request=SyncGroupRequest, answer=sync_group)
