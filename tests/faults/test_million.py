"""The short form of `make million`: some thousand commands, and whatever befalls the system in that time."""

import pytest

from tests.faults.million.playing import play

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_what_is_acknowledged_is_kept_once_and_in_order() -> None:
    done = await play(commands=5_000, seed=3, every=1.5)
    assert done.acknowledged >= 5_000
    assert done.reactions
    assert done.blows
