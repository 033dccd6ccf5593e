"""One member of a consumer group, and what passes between it and its group."""

import asyncio
from dataclasses import dataclass, field

from deploy.embedded.broker.errors import ErrorCode, Refused


@dataclass(frozen=True, slots=True)
class Joining:
    """What a member says of itself when it asks to join. An empty `member_id` is a newcomer's."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout: float
    rebalance_timeout: float
    protocol_type: str
    protocols: dict[str, bytes]
    takes_member_id_first: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """What a member is told when everybody has joined; only the leader hears of the others."""

    generation: int
    protocol: str
    leader_id: str
    member_id: str
    members: "list[Member]"


@dataclass(eq=False, slots=True)
class Member:
    member_id: str
    joining: Joining
    last_seen: float
    assignment: bytes = b""
    _joined: asyncio.Future[Joined] | None = field(default=None)
    _assigned: asyncio.Future[bytes] | None = field(default=None)

    @property
    def instance_id(self) -> str | None:
        return self.joining.instance_id

    @property
    def waits_to_join(self) -> bool:
        return self._joined is not None and not self._joined.done()

    @property
    def waits(self) -> bool:
        """A member that waits for its group cannot send heartbeats and is not expected to."""
        return self.waits_to_join or (self._assigned is not None and not self._assigned.done())

    def subscription(self, *, protocol: str) -> bytes:
        return self.joining.protocols.get(protocol, b"")

    def wait_to_join(self) -> asyncio.Future[Joined]:
        self.dismiss(code=ErrorCode.REBALANCE_IN_PROGRESS)  # an earlier request of the same member
        self._joined = asyncio.get_running_loop().create_future()
        return self._joined

    def wait_for_assignment(self) -> asyncio.Future[bytes]:
        self.dismiss(code=ErrorCode.REBALANCE_IN_PROGRESS)
        self._assigned = asyncio.get_running_loop().create_future()
        return self._assigned

    def admit(self, joined: Joined) -> None:
        if self._joined is not None and not self._joined.done():
            self._joined.set_result(joined)
        self._joined = None

    def assign(self, assignment: bytes) -> None:
        self.assignment = assignment
        if self._assigned is not None and not self._assigned.done():
            self._assigned.set_result(assignment)
        self._assigned = None

    def dismiss(self, *, code: ErrorCode) -> None:
        for waiting in (self._joined, self._assigned):
            if waiting is not None and not waiting.done():
                waiting.set_exception(Refused(code))
        self._joined = self._assigned = None


class MemberIdRequired(Refused):
    """Join again, with this id."""

    def __init__(self, member_id: str) -> None:
        super().__init__(ErrorCode.MEMBER_ID_REQUIRED)
        self.member_id = member_id
