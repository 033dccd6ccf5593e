"""The group coordinator: every group that has or had members since the start."""

from deploy.embedded.broker.errors import ErrorCode, Refused
from deploy.embedded.broker.groups.group import Group


class Coordinator:
    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}

    def group(self, *, group_id: str) -> Group:
        """The group that a member joins, made when it is the first."""
        if not group_id:
            raise Refused(ErrorCode.INVALID_GROUP_ID)
        return self._groups.setdefault(group_id, Group(group_id=group_id))

    def find(self, *, group_id: str) -> Group | None:
        return self._groups.get(group_id)

    def existing(self, *, group_id: str) -> Group:
        found = self._groups.get(group_id)
        if found is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID)
        return found

    def all(self) -> list[Group]:
        return list(self._groups.values())

    def forget(self, *, group_id: str) -> bool:
        """Whether it was known."""
        group = self._groups.get(group_id)
        if group is not None and group.members:
            raise Refused(ErrorCode.NON_EMPTY_GROUP)
        return self._groups.pop(group_id, None) is not None

    def close(self) -> None:
        for group in self._groups.values():
            group.close()
