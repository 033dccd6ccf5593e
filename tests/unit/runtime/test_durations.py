"""How long things took, in steps."""

from shared.runtime.durations import STEPS, Durations


def test_each_is_counted_in_the_first_step_that_it_does_not_pass() -> None:
    durations = Durations()
    for seconds in (0.0, STEPS[0], STEPS[0] + 1e-9, STEPS[-1], STEPS[-1] + 1):
        durations.note(seconds)
    assert durations.counts == [2, 1, *[0] * (len(STEPS) - 3), 1, 1]
    assert durations.count == 5
    assert durations.total == sum((0.0, STEPS[0], STEPS[0] + 1e-9, STEPS[-1], STEPS[-1] + 1))
