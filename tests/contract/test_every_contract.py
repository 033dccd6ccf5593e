"""Every event and its contract, filled by example and by chance: through the log's bytes, a message, and back."""

from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as some

from shared.contracts.catalogue import contracts
from shared.contracts.envelope import Contract, Envelope, from_headers, to_headers
from shared.kernel import Event
from shared.runtime.bus.relay import value_of
from shared.runtime.http.feed import as_cloudevent
from shared.runtime.json import canonical, dumps, loads
from shared.runtime.publishing import Publisher
from shared.runtime.service import Published, Service
from tests.support.contracts import MAPPER, Chance, Plain, event, filled, noun_of, stored
from tests.support.deliveries import PATIENT, services

ALL = [(service, one) for service in services() for one in service.publishes]
PUBLISHERS = {service.name: Publisher(service, epoch=1) for service in services()}
FULL = {"patient": PATIENT, "links": '{"referral":"some id"}', "causation": "some cause", "trace": "some trace"}


def by_name(published: tuple[Service, Published]) -> str:
    return published[1].event.TOPIC


@some.composite
def events(draw: some.DrawFn) -> tuple[Service, Event]:
    service, one = draw(some.sampled_from(ALL))
    return service, event(one, Chance(draw), version=draw(some.integers(1, 9)))


@some.composite
def messages(draw: some.DrawFn) -> Contract:
    service, made = draw(events())
    return PUBLISHERS[service.name].contract(stored(made, **draw(some.sampled_from([FULL, {}]))))


@pytest.mark.parametrize("published", ALL, ids=by_name)
def test_an_event_is_kept_and_read_as_it_was(published: tuple[Service, Published]) -> None:
    _, one = published
    unchanged(event(one, Plain()))


@every(events())
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_an_event_is_kept_and_read_as_it_was(said: tuple[Service, Event]) -> None:
    unchanged(said[1])


def unchanged(said: Event) -> None:
    kept = MAPPER.to_stored_event(said)
    read = MAPPER.to_domain_event(kept)

    assert read == said
    assert MAPPER.to_stored_event(read).state == kept.state


@pytest.mark.parametrize("published", ALL, ids=by_name)
def test_an_event_makes_its_contract_with_every_field(published: tuple[Service, Published]) -> None:
    service, one = published
    contract = PUBLISHERS[service.name].contract(stored(event(one, Plain()), **FULL))

    assert type(contract) is one.contract
    assert loads(value_of(contract)).keys() == one.contract.model_fields.keys()
    assert as_read(contract).model_dump() == contract.model_dump()


@every(messages())
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_a_contract_comes_out_of_its_message(contract: Contract) -> None:
    assert canonical(as_read(contract)) == canonical(contract)


def as_read(contract: Contract) -> Contract:
    """What a subscriber makes of its message."""
    return type(contract).model_validate(loads(value_of(contract)))


@every(messages())
@settings(max_examples=50, deadline=None)
def test_an_envelope_is_read_from_headers_as_it_was(contract: Contract) -> None:
    envelope = contract.envelope

    assert from_headers(to_headers(envelope), key=envelope.key.encode()) == envelope


@every(messages())
@settings(max_examples=50, deadline=None)
def test_the_feed_says_what_the_topic_says(contract: Contract) -> None:
    said: dict[str, Any] = loads(dumps(as_cloudevent(contract)))
    headers = [(named(name), str(value).encode()) for name, value in said.items() if name != "data"]

    assert canonical(said["data"]) == canonical(contract)
    assert from_headers(headers, key=said["partitionkey"].encode()) == contract.envelope


def named(attribute: str) -> str:
    return attribute if attribute == "traceparent" else f"ce_{attribute}"


@pytest.mark.parametrize("contract", contracts().values(), ids=lambda one: one.TYPE)
def test_every_contract_can_be_filled(contract: type[Contract]) -> None:
    [(_, published)] = [(service, one) for service, one in ALL if one.contract is contract]
    made = filled(contract, Plain(), noun=noun_of(published))

    assert as_read(made).model_dump() == made.model_dump()


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_subject", "ce_sequence", "ce_recordedtime", "ce_actor"])
def test_a_message_without_what_it_must_say_is_not_one(missing: str) -> None:
    headers = dict(to_headers(some_envelope()))
    del headers[missing]

    with pytest.raises(ValueError, match="not a Carelog message"):
        from_headers(headers.items(), key=b"")


@pytest.mark.parametrize(
    "wrong", [{"ce_sequence": b"one"}, {"ce_subject": b"me"}, {"ce_time": b"noon"}, {"ce_actor": b"\xff"}]
)
def test_a_message_with_nonsense_in_its_headers_is_not_one(wrong: dict[str, bytes]) -> None:
    headers = dict(to_headers(some_envelope())) | wrong

    with pytest.raises(ValueError):
        from_headers(headers.items(), key=b"")


def test_headers_that_nobody_knows_are_passed_over() -> None:
    headers = [*to_headers(some_envelope()), ("ce_tomorrow", b"\xff"), ("colour", b"blue")]

    assert from_headers(headers, key=b"").id == some_envelope().id


def some_envelope() -> Envelope:
    service, one = ALL[0]
    return PUBLISHERS[service.name].contract(stored(event(one, Plain()))).envelope
