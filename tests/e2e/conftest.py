"""What all set-ups have in common."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.e2e.behaviour")

from tests.e2e.spans import Collector, collecting  # noqa: E402 - after what pytest must know before


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Takes the traces of a system."""
    with collecting() as collector:
        yield collector
