"""The bytes of an aggregate's state: all of it comes back, and nothing else comes in."""

import os
import pickle
from typing import Any
from uuid import UUID

import pytest

from shared.kernel import Aggregate
from shared.runtime.log.freezing import Unfreezable, Unthawable, freeze, maker, thaw
from tests.support.counter import Counter
from tests.support.replayed import replayed, state
from tests.support.scenario import SOME_ID, SOME_TIME


def a_counter() -> Counter:
    counter = Counter.open(id=SOME_ID, at=SOME_TIME)
    counter.count(at=SOME_TIME)
    made: Counter = replayed(counter)
    return made


def test_what_is_thawed_is_what_was_frozen_and_another_object() -> None:
    counter = a_counter()
    thawed = thaw(freeze(counter), Counter)
    assert state(thawed) == state(counter)
    thawed.count(at=SOME_TIME)
    assert counter.total == 1


def test_what_waits_to_be_stored_is_not_frozen() -> None:
    with pytest.raises(Unfreezable):
        freeze(Counter.open(id=SOME_ID, at=SOME_TIME))


def test_a_state_that_has_no_bytes_is_said_to_have_none() -> None:
    counter = a_counter()
    counter.strange = lambda: None  # type: ignore[attr-defined]
    with pytest.raises(Unfreezable):
        freeze(counter)


class Mischief:
    """What somebody who can write to the table might put there."""

    def __init__(self, do: Any, *arguments: Any) -> None:
        self._do = do
        self._arguments = arguments

    def __reduce__(self) -> Any:
        return self._do, self._arguments


@pytest.mark.parametrize(
    "mischief",
    [Mischief(os.system, "true"), Mischief(eval, "1"), Mischief(getattr, UUID, "bytes"), Mischief(maker, Counter)],
)
def test_bytes_that_would_do_something_are_refused(mischief: Mischief) -> None:
    with pytest.raises(Unthawable):
        thaw(pickle.dumps(mischief), Counter)


@pytest.mark.parametrize("other", [b"", b"\x80\x05.", pickle.dumps(SOME_ID), pickle.dumps(Exception)])
def test_bytes_that_are_no_aggregate_are_refused(other: bytes) -> None:
    with pytest.raises(Unthawable):
        thaw(other, Counter)


def test_the_code_that_makes_a_state_has_a_digest_of_its_own() -> None:
    assert maker(Counter) == maker(Counter)
    assert maker(Counter) != maker(Aggregate)
