"""One consumer group: Kafka's classic rebalance. Everybody joins, the leader shares out the partitions, everybody is
told (a generation); a member that comes, goes, changes its subscription or falls silent starts the next one."""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from uuid import uuid4

from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.member import Joined, Joining, Member, MemberIdRequired
from deploy.embedded.broker.groups.protocol import common_protocols, preferred_protocol


class GroupState(StrEnum):
    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


class Group:
    def __init__(self, *, group_id: str) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol = ""
        self.members: dict[str, Member] = {}
        self._leader_id = ""
        self._expected: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()

    async def join(self, joining: Joining) -> Joined:
        self._refuse_other_protocols(joining)
        known = self._known(joining)
        if known is None:
            return await self._join_as(self._newcomer(joining))
        changed = known.joining.protocols != joining.protocols
        if joining.member_id == "":
            known = self._replace(known, joining)
            if not changed and self.state is GroupState.STABLE:
                return self._joined(known, leader_id="")  # follows, whoever led: the assignment still holds
        known.joining, known.last_seen = joining, self._loop.time()
        leads = known.member_id == self._leader_id
        stays = self.state is GroupState.COMPLETING_REBALANCE or (self.state is GroupState.STABLE and not leads)
        return self._joined(known, leader_id=self._leader_id) if stays and not changed else await self._join_as(known)

    async def sync(
        self, *, member_id: str, instance_id: str | None, generation: int, assignments: Mapping[str, bytes]
    ) -> bytes:
        member = self.member(member_id=member_id, instance_id=instance_id, generation=generation)
        if self.state is GroupState.PREPARING_REBALANCE:
            raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)
        if self.state is GroupState.STABLE:
            return member.assignment
        assigned = member.wait_for_assignment()
        if member_id == self._leader_id:
            self.state = GroupState.STABLE
            for each in self.members.values():
                each.last_seen = self._loop.time()
                each.assign(assignments.get(each.member_id, b""))
        return await assigned

    def heartbeat(self, *, member_id: str, instance_id: str | None, generation: int) -> None:
        self.member(member_id=member_id, instance_id=instance_id, generation=generation)
        if self.state is GroupState.PREPARING_REBALANCE:
            raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)

    def leave(self, *, member_id: str, instance_id: str | None) -> None:
        if self._expected.pop(member_id, None) is not None:
            return
        removed_by_operator = self._static(instance_id) if member_id == "" else None
        self._remove(removed_by_operator or self.member(member_id=member_id, instance_id=instance_id))

    def member(self, *, member_id: str, instance_id: str | None = None, generation: int | None = None) -> Member:
        """The member that speaks, noted as alive; or `Refused` in the words that make it join again."""
        member = self.members.get(member_id)
        static = self._static(instance_id)
        if static is not None and static is not member:
            raise Refused(ErrorCode.FENCED_INSTANCE_ID)
        if member is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID)
        if generation is not None and generation != self.generation:
            raise Refused(ErrorCode.ILLEGAL_GENERATION)
        member.last_seen = self._loop.time()
        return member

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _refuse_other_protocols(self, joining: Joining) -> None:
        others = [member for member in self.members.values() if member.member_id != joining.member_id]
        if not joining.protocols or (others and joining.protocol_type != self.protocol_type):
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        if not common_protocols([joining, *(member.joining for member in others)]):
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)

    def _known(self, joining: Joining) -> Member | None:
        if joining.member_id == "":
            return self._static(joining.instance_id)
        if joining.member_id in self._expected:
            return None
        return self.member(member_id=joining.member_id, instance_id=joining.instance_id)

    def _static(self, instance_id: str | None) -> Member | None:
        if instance_id is None:
            return None
        return next((member for member in self.members.values() if member.instance_id == instance_id), None)

    def _newcomer(self, joining: Joining) -> Member:
        member_id = joining.member_id or f"{joining.instance_id or joining.client_id}-{uuid4()}"
        if joining.member_id == "" and joining.instance_id is None and joining.takes_member_id_first:
            self._expect(member_id, joining.session_timeout)
            raise MemberIdRequired(member_id)
        self._expected.pop(member_id, None)
        return Member(member_id, joining, self._loop.time())

    def _expect(self, member_id: str, session_timeout: float) -> None:
        """A newcomer is told its id before it joins, so that one which tries again and again is always the same one."""
        now = self._loop.time()
        self._expected = {known: until for known, until in self._expected.items() if until > now}
        self._expected[member_id] = now + session_timeout

    def _replace(self, member: Member, joining: Joining) -> Member:
        """A static member came back under a new member id; whoever still uses the old one is fenced."""
        member.dismiss(code=ErrorCode.FENCED_INSTANCE_ID)
        del self.members[member.member_id]
        self._stop_timer(member.member_id)
        successor = Member(f"{joining.instance_id}-{uuid4()}", joining, self._loop.time(), member.assignment)
        self._enter(successor)
        if self._leader_id == member.member_id:
            self._leader_id = successor.member_id
        return successor

    async def _join_as(self, member: Member) -> Joined:
        self._enter(member)
        self.protocol_type = member.joining.protocol_type
        joined = member.wait_to_join()
        self._rebalance()
        return await joined

    def _enter(self, member: Member) -> None:
        self.members[member.member_id] = member
        self._watch(member, member.joining.session_timeout)

    def _remove(self, member: Member) -> None:
        del self.members[member.member_id]
        member.dismiss(code=ErrorCode.UNKNOWN_MEMBER_ID)
        self._stop_timer(member.member_id)
        self._rebalance()

    def _rebalance(self) -> None:
        """Starts one, or goes on with the one under way; it ends when all have joined or the slowest is given up."""
        if self.state is not GroupState.PREPARING_REBALANCE:
            self.state = GroupState.PREPARING_REBALANCE
            for member in self.members.values():
                if not member.waits_to_join:
                    member.dismiss(code=ErrorCode.REBALANCE_IN_PROGRESS)
            patience = max((member.joining.rebalance_timeout for member in self.members.values()), default=0.0)
            self._start_timer("", patience, self._give_up_on_absent)
        if all(member.waits_to_join for member in self.members.values()):
            self._complete_rebalance()

    def _give_up_on_absent(self) -> None:
        for member in [member for member in self.members.values() if not member.waits_to_join]:
            del self.members[member.member_id]
            self._stop_timer(member.member_id)
        self._complete_rebalance()

    def _complete_rebalance(self) -> None:
        self._stop_timer("")
        self.generation += 1
        self.state = GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY
        self.protocol = preferred_protocol([member.joining for member in self.members.values()])
        if self._leader_id not in self.members:
            self._leader_id = next(iter(self.members), "")
        for member in self.members.values():
            member.last_seen = self._loop.time()
            member.assignment = b""
            member.admit(self._joined(member, leader_id=self._leader_id))

    def _joined(self, member: Member, *, leader_id: str) -> Joined:
        members = list(self.members.values()) if member.member_id == leader_id else []
        return Joined(self.generation, self.protocol, leader_id, member.member_id, members)

    def _watch(self, member: Member, delay: float) -> None:
        self._start_timer(member.member_id, delay, lambda: self._check_session(member))

    def _check_session(self, member: Member) -> None:
        """One timer a session, not one a heartbeat: it looks when the member was last heard and sleeps on."""
        if self.members.get(member.member_id) is not member:
            return
        session_timeout = member.joining.session_timeout
        silent = 0.0 if member.waits else self._loop.time() - member.last_seen
        if silent < session_timeout:
            self._watch(member, session_timeout - silent)
        else:
            self._remove(member)

    def _start_timer(self, name: str, delay: float, then: Callable[[], None]) -> None:
        self._stop_timer(name)
        self._timers[name] = self._loop.call_later(delay, then)

    def _stop_timer(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()
