"""How long something took, counted in fixed steps: two additions each time, read when somebody asks."""

from bisect import bisect_left

STEPS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""seconds; `counts` has one place more, for what took longer"""


class Durations:
    """A histogram of seconds. `counts[i]`: how many took at most `STEPS[i]`, and more than the step before."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(STEPS) + 1)
        self.total = 0.0
        """all seconds together"""

    def note(self, seconds: float) -> None:
        self.counts[bisect_left(STEPS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)
