"""Which way of sharing out the partitions ("range", "roundrobin", ...) a group uses: one that all its members know."""

from collections import Counter
from collections.abc import Sequence

from deploy.embedded.broker.groups.member import Joining


def common_protocols(joinings: Sequence[Joining]) -> set[str]:
    return set.intersection(*(set(joining.protocols) for joining in joinings)) if joinings else set()


def preferred_protocol(joinings: Sequence[Joining]) -> str:
    """Each member votes for the first of its own that all the others know too."""
    common = common_protocols(joinings)
    votes = Counter(next(name for name in joining.protocols if name in common) for joining in joinings)
    return votes.most_common(1)[0][0] if votes else ""
