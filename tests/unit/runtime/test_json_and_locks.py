"""JSON that keeps every digit, and locks that are there while somebody needs them."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as some

from shared.runtime.json import canonical, dumps, loads
from shared.runtime.locks import KeyedLocks

PLAIN = some.none() | some.booleans() | some.integers(-(2**63), 2**63) | some.text(some.characters(codec="utf-8"))
ANY = some.recursive(
    PLAIN | some.decimals(allow_nan=False, allow_infinity=False, places=4),
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(some.text("ab\u00e9", max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@every(ANY)
@settings(max_examples=100)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert loads(dumps(value)) == value
    assert canonical(loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize("text", ["51.30", "0.10", "100.00", "1.0", "-0.00", "123456789012345678901234567890.5"])
def test_a_number_keeps_every_digit(text: str) -> None:
    assert dumps(loads(text)) == text.encode()


def test_equal_content_has_equal_bytes() -> None:
    assert canonical({"b": 1, "a": {"d": [Decimal("1.50")], "c": None}}) == b'{"a":{"c":null,"d":[1.50]},"b":1}'


@pytest.mark.parametrize("text", [b"", b"{", b"CANARY", b'{"a":}', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused_without_its_text(text: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        loads(text)

    assert "CANARY" not in str(refused.value)


async def test_one_at_a_time_holds_a_key_and_others_hold_others() -> None:
    locks, held, most = KeyedLocks(), {"a": 0, "b": 0}, []

    async def hold(key: str) -> None:
        async with locks.hold(key):
            held[key] += 1
            await asyncio.sleep(0)
            most.append(dict(held))
            held[key] -= 1

    await asyncio.gather(*(hold(key) for key in "aabbab"))

    assert max(one["a"] for one in most) == max(one["b"] for one in most) == 1
    assert max(sum(one.values()) for one in most) == 2
    assert locks._locks == {}


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    locks = KeyedLocks()
    async with locks.hold("a"):
        waiting = asyncio.create_task(locks.hold("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert locks._locks == {}
