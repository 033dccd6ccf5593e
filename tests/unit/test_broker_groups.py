"""Consumer groups of the development broker, one rebalance at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.group import Group, GroupState
from deploy.embedded.broker.groups.member import Joined, Joining, MemberIdRequired


def joining(
    member_id: str = "",
    *,
    instance_id: str | None = None,
    protocols: tuple[str, ...] = ("range",),
    session_timeout: float = 10,
    rebalance_timeout: float = 10,
    takes_member_id_first: bool = False,
) -> Joining:
    return Joining(
        member_id=member_id,
        instance_id=instance_id,
        client_id="client",
        client_host="127.0.0.1",
        session_timeout=session_timeout,
        rebalance_timeout=rebalance_timeout,
        protocol_type="consumer",
        protocols=dict.fromkeys(protocols, b"topics"),
        takes_member_id_first=takes_member_id_first,
    )


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    group = Group(group_id="readers")
    yield group
    group.close()


async def sync(group: Group, joined: Joined, *assigned: str) -> bytes:
    return await group.sync(
        member_id=joined.member_id,
        instance_id=None,
        generation=joined.generation,
        assignments={member_id: member_id.encode() for member_id in assigned},
    )


async def lead(group: Group, *, rebalance_timeout: float = 10, session_timeout: float = 10) -> Joined:
    asked = joining(rebalance_timeout=rebalance_timeout, session_timeout=session_timeout)
    leader = await group.join(asked)
    await sync(group, leader, leader.member_id)
    return leader


async def both_join(group: Group, first: Joined, other: Joining) -> tuple[Joined, Joined]:
    arriving = asyncio.create_task(group.join(other))
    await asyncio.sleep(0)
    return await group.join(joining(first.member_id)), await arriving


async def eventually_empty(group: Group) -> None:
    async with asyncio.timeout(5):
        while group.members:  # noqa: ASYNC110 - the group's own timer empties it
            await asyncio.sleep(0.01)


def refusal(group: Group, joined: Joined, *, generation: int | None = None) -> ErrorCode:
    claimed = joined.generation if generation is None else generation
    with pytest.raises(Refused) as refused:
        group.heartbeat(member_id=joined.member_id, instance_id=None, generation=claimed)
    return refused.value.code


async def test_the_first_member_leads_a_stable_group(group: Group) -> None:
    leader = await group.join(joining())
    assert (leader.generation, leader.leader_id, leader.protocol) == (1, leader.member_id, "range")
    assert await sync(group, leader, leader.member_id) == leader.member_id.encode()
    assert group.state is GroupState.STABLE


async def test_a_newcomer_starts_a_generation_in_which_the_leader_shares_out(group: Group) -> None:
    first = await lead(group)
    first, second = await both_join(group, first, joining())
    assert first.generation == second.generation == 2
    assert {member.member_id for member in first.members} == {first.member_id, second.member_id}
    assert second.members == []
    following = asyncio.create_task(sync(group, second))
    await sync(group, first, first.member_id, second.member_id)
    assert await following == second.member_id.encode()


async def test_members_are_told_to_join_again_while_others_wait(group: Group) -> None:
    first = await lead(group)
    arriving = asyncio.create_task(group.join(joining()))
    await asyncio.sleep(0)
    assert refusal(group, first) is ErrorCode.REBALANCE_IN_PROGRESS
    arriving.cancel()


async def test_an_old_generation_and_a_stranger_are_refused(group: Group) -> None:
    first = await lead(group)
    assert refusal(group, first, generation=7) is ErrorCode.ILLEGAL_GENERATION
    group.leave(member_id=first.member_id, instance_id=None)
    assert refusal(group, first) is ErrorCode.UNKNOWN_MEMBER_ID
    assert group.state is GroupState.EMPTY


async def test_a_member_that_does_not_join_again_in_time_is_left_out(group: Group) -> None:
    absent = await lead(group, rebalance_timeout=0.05)
    second = await group.join(joining(rebalance_timeout=0.05))
    assert second.leader_id == second.member_id
    assert absent.member_id not in group.members


async def test_a_silent_member_is_removed_and_one_that_is_heard_stays(group: Group) -> None:
    member = await lead(group, session_timeout=0.1)
    for _ in range(10):
        await asyncio.sleep(0.02)
        group.heartbeat(member_id=member.member_id, instance_id=None, generation=member.generation)
    await eventually_empty(group)
    assert group.state is GroupState.EMPTY


async def test_a_leader_that_falls_silent_before_sharing_out_is_replaced(group: Group) -> None:
    first = await lead(group, session_timeout=0.1)
    arriving = asyncio.create_task(group.join(joining()))
    await asyncio.sleep(0)
    await group.join(joining(first.member_id, session_timeout=0.1))
    second = await arriving
    with pytest.raises(Refused) as refused:
        await sync(group, second)
    assert refused.value.code is ErrorCode.REBALANCE_IN_PROGRESS
    again = await group.join(joining(second.member_id))
    assert again.leader_id == second.member_id


async def test_a_newcomer_is_given_its_id_before_it_joins(group: Group) -> None:
    with pytest.raises(MemberIdRequired) as required:
        await group.join(joining(takes_member_id_first=True))
    joined = await group.join(joining(required.value.member_id, takes_member_id_first=True))
    assert joined.member_id == required.value.member_id


async def test_a_group_shares_out_in_a_way_that_all_its_members_know(group: Group) -> None:
    first = await group.join(joining(protocols=("sticky", "range")))
    await sync(group, first, first.member_id)
    arriving = asyncio.create_task(group.join(joining(protocols=("roundrobin", "range"))))
    await asyncio.sleep(0)
    again = await group.join(joining(first.member_id, protocols=("sticky", "range")))
    assert again.protocol == (await arriving).protocol == "range"
    with pytest.raises(Refused) as refused:
        await group.join(joining(protocols=("sticky",)))
    assert refused.value.code is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


async def test_a_static_member_comes_back_without_a_rebalance_and_fences_its_double(group: Group) -> None:
    before = await group.join(joining(instance_id="pod-0"))
    await sync(group, before, before.member_id)
    after = await group.join(joining(instance_id="pod-0"))
    assert (after.generation, after.members) == (before.generation, [])
    assert await sync(group, after) == before.member_id.encode()
    with pytest.raises(Refused) as refused:
        group.heartbeat(member_id=before.member_id, instance_id="pod-0", generation=before.generation)
    assert refused.value.code is ErrorCode.FENCED_INSTANCE_ID
