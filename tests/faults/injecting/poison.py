"""Twenty kinds of messages that no relay of ours would send, put on the topic by somebody who may write there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.contracts.envelope import to_headers
from shared.runtime.bus.relay import partition_of, value_of
from tests.support.counters import CounterCounted, CounterOpened
from tests.support.running import said

MARK = "drill"
"""a header by which the oracle knows what its own row has put there"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One message. `aside`: consumers must set it aside; else they pass it by, as what is not for them or is known."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int
    aside: bool = True


def _good(canary: str, *, subject: UUID | None = None, version: int = 1) -> Bad:
    """A message as it should be, of a counter that nobody has opened."""
    id = subject or uuid4()
    contract = CounterOpened(limit=1, note=canary) if version == 1 else CounterCounted(by=1)
    told = said(contract, subject=id, organization="north", patient=None, version=version, at=datetime.now(UTC))
    return Bad(
        key=str(id).encode(),
        value=value_of(told),
        headers=tuple(to_headers(told.envelope)),
        partition=partition_of(str(id)),
    )


def _with(bad: Bad, **headers: bytes) -> Bad:
    """With these headers in place of its own; `type` stands for `ce_type`."""
    named = {f"ce_{name}": value for name, value in headers.items()}
    return replace(bad, headers=tuple((name, named.get(name, value)) for name, value in bad.headers))


def _without(bad: Bad, *names: str) -> Bad:
    return replace(bad, headers=tuple((name, value) for name, value in bad.headers if name not in names))


def _saying(canary: str, value: bytes | None) -> Bad:
    return replace(_good(canary), value=value)


def kinds(canary: str, *, known: UUID) -> Mapping[str, Callable[[], Bad]]:
    """`known`: a counter that there is; what is said of it is old, or of another."""
    c = canary.encode()
    return {
        "not JSON": lambda: _saying(canary, c),
        "no value": lambda: _saying(canary, None),
        "an empty value": lambda: _saying(canary, b""),
        "null": lambda: _saying(canary, b"null"),
        "a list": lambda: _saying(canary, b'["' + c + b'"]'),
        "a field of another type": lambda: _saying(canary, b'{"limit": "' + c + b'"}'),
        "a field missing": lambda: _saying(canary, b'{"note": "' + c + b'"}'),
        "depth 10,000": lambda: _saying(canary, b"[" * 10_000 + b"]" * 10_000),
        "not UTF-8": lambda: _saying(canary, b'{"limit": 1, "note": "\xff\xfe"}'),
        "nearly 2 MB": lambda: _saying(canary, b'{"limit": "' + b"x" * 1_900_000 + b'"}'),
        "no headers at all": lambda: replace(_good(canary), headers=()),
        "no version": lambda: _without(_good(canary), "ce_sequence"),
        "a version that is none": lambda: _with(_good(canary), sequence=c),
        "a version below one": lambda: _with(_good(canary), sequence=b"0"),
        "a subject that is none": lambda: _with(_good(canary), subject=c),
        "a time that is none": lambda: _with(_good(canary), recordedtime=c),
        "another's key": lambda: replace(_good(canary), key=str(known).encode()),
        "another service's type": lambda: _with(_good(canary), type=b"scheduling.appointment.booked.v1"),
        "an unknown type": lambda: replace(_with(_good(canary), type=b"records.teapot.boiled.v1"), aside=False),
        "an old one again, with another body": lambda: replace(_good(canary, subject=known, version=2), aside=False),
    }
