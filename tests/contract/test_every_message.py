"""What the relay sends of an event is what the contract says, byte for byte, though it seldom makes the contract."""

from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as some
from pydantic import BaseModel, Field, field_validator

from shared.contracts.envelope import Contract, to_headers
from shared.kernel import Event
from shared.runtime.allowing import filter_of
from shared.runtime.bus.messages import message_of, value_of
from shared.runtime.json import dumps
from shared.runtime.log.rows import Stored
from shared.runtime.publishing import Publisher
from shared.runtime.service import Published, Service
from tests.golden.events import FOLDER, Golden
from tests.support.contracts import Chance, Plain, event, stored
from tests.support.deliveries import PATIENT, services

ALL = [(service, one) for service in services() for one in service.publishes]
PUBLISHERS = {service.name: Publisher(service, epoch=3) for service in services()}
KEPT = sorted(path for one in services() for path in (FOLDER / one.name).glob("*.json"))
ROWS: list[dict[str, Any]] = [
    {
        "patient": PATIENT,
        "links": '{"referral":"some id","claim":"another"}',
        "causation": "a cause",
        "trace": "a trace",
    },
    {"origin": "", "actor": "Zoë"},
]


def by_name(published: tuple[Service, Published]) -> str:
    return published[1].event.TOPIC


def said_the_long_way(publisher: Publisher, row: Stored) -> None:
    """The message is that of the contract."""
    contract = publisher.contract(row)
    message = message_of(row, publisher)

    assert message.value == value_of(contract)
    assert sorted(message.headers) == sorted(to_headers(contract.envelope))
    assert message.key == contract.envelope.key.encode()


@pytest.mark.parametrize("published", ALL, ids=by_name)
@pytest.mark.parametrize("facts", ROWS, ids=["of-a-patient", "of-nobody"])
def test_a_message_is_its_contracts(published: tuple[Service, Published], facts: dict[str, Any]) -> None:
    service, one = published
    said_the_long_way(PUBLISHERS[service.name], stored(event(one, Plain()), **facts))


@some.composite
def rows(draw: some.DrawFn) -> tuple[Service, Stored]:
    service, one = draw(some.sampled_from(ALL))
    made = event(one, Chance(draw), version=draw(some.integers(1, 9)))
    return service, stored(made, **draw(some.sampled_from(ROWS)))


@every(rows())
@settings(max_examples=200, deadline=None)
def test_whatever_is_in_an_event_its_message_is_its_contracts(row: tuple[Service, Stored]) -> None:
    said_the_long_way(PUBLISHERS[row[0].name], row[1])


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_stored_once_has_its_contracts_message(path: Path) -> None:
    golden = Golden.read(path)
    service = next(one for one in services() if one.name == path.parent.name)
    published = next(one for one in service.publishes if golden.event == one.event.TOPIC)

    said_the_long_way(PUBLISHERS[service.name], stored(event(published, Plain()), state=golden.state.encode()))


def test_nearly_all_events_go_the_short_way() -> None:
    long = {one.event.TOPIC for _, one in ALL if one.shape is not vars or not filter_of(one.event, one.contract)}

    assert long == {
        "referrals.referral.drafted",
        "notifications.preferences.set",
        "notifications.preferences.changed",
    }


# what may go the short way -------------------------------------------------------------------------------------------


class Dose(BaseModel):
    value: int
    secret: str = "nobody's business"


class SaidDose(BaseModel):
    value: int


class Given(Event):
    TOPIC: ClassVar[str] = "tests.dose.given"

    what: str
    dose: Dose
    again: tuple[Dose, ...] = ()
    before: Dose | None = None
    by: UUID | None = None
    route: Literal["oral", "nasal"] = "oral"
    inside: str = "not declared"


class SaidGiven(Contract):
    """Something was given."""

    TYPE = "tests.dose.given.v1"

    route: str
    what: str
    dose: SaidDose
    again: tuple[SaidDose, ...] = ()
    before: SaidDose | None = None
    by: UUID | None = None


STATE: dict[str, Any] = {
    "timestamp": "2026-03-02T09:30:00Z",
    "what": "aspirin",
    "dose": {"value": 1, "secret": "canary"},
    "again": [{"value": 2, "secret": "canary"}],
    "before": {"secret": "canary", "value": 3},
    "by": None,
    "route": "oral",
    "inside": "canary",
    "later": "canary",
}


def filtered(state: dict[str, Any]) -> bytes | None:
    short = filter_of(Given, SaidGiven)
    assert short
    return short(dumps(state))


def test_what_the_contract_does_not_declare_stays_inside_at_every_depth() -> None:
    assert filtered(STATE) == (
        b'{"route":"oral","what":"aspirin","dose":{"value":1},"again":[{"value":2}],"before":{"value":3},"by":null}'
    )


@pytest.mark.parametrize("field", ["what", "by", "again"])
def test_what_was_stored_before_it_had_a_field_goes_the_long_way(field: str) -> None:
    assert filtered({name: value for name, value in STATE.items() if name != field}) is None


@pytest.mark.parametrize("state", [b"", b"[]", b'{"what"', b'{"what":1e}', b"\xff"])
def test_what_is_no_event_goes_the_long_way(state: bytes) -> None:
    short = filter_of(Given, SaidGiven)

    assert short
    assert short(state) is None


def test_what_was_stored_before_a_field_was_added_inside_goes_the_long_way() -> None:
    assert filtered({**STATE, "dose": {"secret": "canary"}}) is None


class Careful(Contract):
    TYPE = "tests.dose.given.v1"

    what: str

    @field_validator("what")
    @classmethod
    def _shouted(cls, what: str) -> str:
        return what.upper()


class Raised(Given):
    TOPIC: ClassVar[str] = "tests.dose.raised"
    class_version: ClassVar[int] = 2


def saying(**fields: Any) -> type[Contract]:
    annotations = {name: kind for name, (kind, _) in fields.items()}
    values = {name: field for name, (_, field) in fields.items() if field is not None}
    return type("Said", (Contract,), {"__annotations__": annotations, "TYPE": SaidGiven.TYPE, **values})


def test_what_a_contract_changes_goes_the_long_way() -> None:
    assert filter_of(Given, Careful) is None


def test_an_event_with_versions_goes_the_long_way() -> None:
    assert filter_of(Raised, SaidGiven) is None


@pytest.mark.parametrize(
    "field",
    [
        {"what": (int, None)},
        {"what": (str | int, None)},
        {"what": (str, Field(max_length=3))},
        {"what": (str, Field(alias="which"))},
        {"by": (UUID, None)},
        {"dose": (dict[str, Any], None)},
        {"dose": (Dose | SaidDose, None)},
        {"again": (tuple[Dose, Dose], None)},
        {"route": (Literal["oral"], None)},
        {"status": (str, Field(default="new"))},
    ],
    ids=str,
)
def test_a_field_that_is_not_the_events_own_goes_the_long_way(field: dict[str, Any]) -> None:
    assert filter_of(Given, saying(**field)) is None
