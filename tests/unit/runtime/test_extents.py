"""What a topic is known to hold, and what is noticed when it holds less."""

import pytest

from shared.runtime.bus.extents import Extents, Span

FOUND = {0: Span(0, 10), 1: Span(0, 0)}


def known() -> Extents:
    extents = Extents()
    extents.take(FOUND)
    return extents


def test_a_topic_that_holds_what_it_held_or_more_is_whole() -> None:
    extents = known()
    extents.acknowledged(0, 10, 5)
    extents.acknowledged(1, 0, 2)
    more = {0: Span(0, 15), 1: Span(0, 9)}

    assert extents.known == {0: Span(0, 15), 1: Span(0, 2)}
    assert not extents.shrunk(more)
    assert not extents.cut(more)


@pytest.mark.parametrize("found", [{}, {0: Span(0, 9), 1: Span(0, 0)}, {1: Span(0, 40)}])
def test_a_topic_that_ends_earlier_has_lost_something(found: dict[int, Span]) -> None:
    assert known().shrunk(found)


def test_a_topic_that_begins_later_has_lost_its_beginning() -> None:
    found = {0: Span(3, 10), 1: Span(0, 0)}

    assert known().cut(found)
    assert not known().shrunk(found)


def test_a_topic_that_was_made_anew_and_filled_again_has_lost_something() -> None:
    extents = known()
    extents.acknowledged(0, 0, 40)
    assert extents.shrunk({0: Span(0, 40), 1: Span(0, 0)})

    extents.take({0: Span(0, 40), 1: Span(0, 0)})
    assert not extents.shrunk({0: Span(0, 40), 1: Span(0, 0)})


def test_an_acknowledgement_without_an_offset_says_nothing() -> None:
    extents = known()
    extents.acknowledged(0, -1, 40)

    assert extents.known == FOUND
    assert not extents.shrunk(FOUND)


def test_it_is_kept_as_text() -> None:
    again = Extents()
    again.unpack(known().pack())
    assert again.known == FOUND

    again.unpack(None)
    assert again.known == {}
